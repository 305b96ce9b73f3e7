// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/table_shape.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <string_view>

#include "nft/owned.hpp"

namespace farewell::nft {
namespace {

int ask_table(Transport& transport, std::uint32_t sequence, const std::string& name, TableShape& shape) {
    const auto wanted = owned(nftnl_table_alloc());
    nftnl_table_set_str(wanted.get(), NFTNL_TABLE_NAME, name.c_str());
    Question question(NFT_MSG_GETTABLE, NFPROTO_INET, 0, sequence);
    nftnl_table_nlmsg_build_payload(question.header(), wanted.get());
    return question.ask(transport, [&shape](const nlmsghdr& message) {
        const auto table = owned(nftnl_table_alloc());
        if (nftnl_table_nlmsg_parse(&message, table.get()) >= 0) {
            shape.table = nftnl_table_get_u64(table.get(), NFTNL_TABLE_HANDLE);
            shape.flags = nftnl_table_get_u32(table.get(), NFTNL_TABLE_FLAGS);
        }
    });
}

int ask_chains(Transport& transport, std::uint32_t sequence, const std::string& name, TableShape& shape) {
    Question question(NFT_MSG_GETCHAIN, NFPROTO_INET, NLM_F_DUMP, sequence);
    return question.ask(transport, [&](const nlmsghdr& message) {
        const auto chain = owned(nftnl_chain_alloc());
        if (nftnl_chain_nlmsg_parse(&message, chain.get()) >= 0 &&
            name == std::string_view(nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TABLE))) {
            shape.chains.push_back({.handle = nftnl_chain_get_u64(chain.get(), NFTNL_CHAIN_HANDLE),
                                    .policy = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_POLICY)});
        }
    });
}

int ask_rules(Transport& transport, std::uint32_t sequence, const std::string& name, TableShape& shape) {
    const auto wanted = owned(nftnl_rule_alloc());
    nftnl_rule_set_str(wanted.get(), NFTNL_RULE_TABLE, name.c_str());
    Question question(NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, sequence);
    nftnl_rule_nlmsg_build_payload(question.header(), wanted.get());
    return question.ask(transport, [&](const nlmsghdr& message) {
        const auto rule = owned(nftnl_rule_alloc());
        // Old kernels answer with the rules of all tables.
        if (nftnl_rule_nlmsg_parse(&message, rule.get()) >= 0 &&
            name == std::string_view(nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE))) {
            shape.rules.push_back(nftnl_rule_get_u64(rule.get(), NFTNL_RULE_HANDLE));
        }
    });
}

}  // namespace

std::expected<TableShape, int> read_shape(Transport& transport, std::uint32_t sequence,
                                          const std::string& table) {
    TableShape shape;
    for (const auto ask : {ask_table, ask_chains, ask_rules}) {
        if (const int reason = ask(transport, sequence++, table, shape); reason != 0) {
            return std::unexpected(reason);
        }
    }
    return shape;
}

}  // namespace farewell::nft
