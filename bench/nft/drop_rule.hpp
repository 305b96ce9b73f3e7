// SPDX-License-Identifier: GPL-2.0-or-later
// A ban as a rule of its own, as in the article.
#pragma once

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdint>

#include "nft/owned.hpp"

namespace farewell::bench {

/// The message of `nft add rule ip TABLE prerouting ip saddr ADDRESS drop`, built at `at`.
inline nlmsghdr* build_drop_rule(char* at, std::uint32_t sequence, const char* table, std::uint32_t address) {
    const auto rule = nft::owned(nftnl_rule_alloc());
    nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, table);
    nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, "prerouting");
    nftnl_expr* payload = nftnl_expr_alloc("payload");
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG32_00);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, 12);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, 4);
    nftnl_rule_add_expr(rule.get(), payload);
    const std::uint32_t in_network_order = htonl(address);
    nftnl_expr* compare = nftnl_expr_alloc("cmp");
    nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG32_00);
    nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
    nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &in_network_order, sizeof in_network_order);
    nftnl_rule_add_expr(rule.get(), compare);
    nftnl_expr* verdict = nftnl_expr_alloc("immediate");
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
    nftnl_rule_add_expr(rule.get(), verdict);
    nlmsghdr* header =
        nftnl_nlmsg_build_hdr(at, NFT_MSG_NEWRULE, NFPROTO_IPV4, NLM_F_CREATE | NLM_F_APPEND, sequence);
    nftnl_rule_nlmsg_build_payload(header, rule.get());
    return header;
}

}  // namespace farewell::bench
