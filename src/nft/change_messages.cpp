// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/change_messages.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace farewell::nft {
namespace {

// Whatever is in a table names it in the attribute of this number: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE,
// NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE, NFTA_OBJ_TABLE, NFTA_FLOWTABLE_TABLE.
constexpr std::uint16_t kTableName = NFTA_TABLE_NAME;

/// The attributes of a message by number, those below kAttributes; others are left out. A message that lies
/// about its lengths has none.
constexpr std::size_t kAttributes = 4;
using Attributes = std::array<const nlattr*, kAttributes>;

int keep(const nlattr* attribute, void* data) {
    auto& attributes = *static_cast<Attributes*>(data);
    if (const std::uint16_t type = mnl_attr_get_type(attribute); type < kAttributes) {
        attributes.at(type) = attribute;
    }
    return MNL_CB_OK;
}

Attributes attributes_of(const nlmsghdr& message) {
    Attributes attributes{};
    if (mnl_attr_parse(&message, sizeof(nfgenmsg), keep, &attributes) < 0) {
        return {};
    }
    return attributes;
}

std::string_view text_of(const nlattr* attribute) {
    if (attribute == nullptr || mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0) {
        return {};
    }
    return mnl_attr_get_str(attribute);
}

std::uint32_t number_of(const nlattr* attribute) {
    if (attribute == nullptr || mnl_attr_validate(attribute, MNL_TYPE_U32) < 0) {
        return 0;
    }
    return ntohl(mnl_attr_get_u32(attribute));
}

}  // namespace

ChangeReader::ChangeReader(std::string table) : table_(std::move(table)) {}

std::optional<Change> ChangeReader::on_message(const nlmsghdr& message) {
    if (message.nlmsg_type >> 8U != NFNL_SUBSYS_NFTABLES ||
        mnl_nlmsg_get_payload_len(&message) < sizeof(nfgenmsg)) {
        return std::nullopt;
    }
    const Attributes attributes = attributes_of(message);
    if ((message.nlmsg_type & 0xffU) == NFT_MSG_NEWGEN) {
        if (!std::exchange(is_touched_, false)) {
            return std::nullopt;
        }
        return Change{.process = number_of(attributes.at(NFTA_GEN_PROC_PID)),
                      .program = std::string(text_of(attributes.at(NFTA_GEN_PROC_NAME)))};
    }
    const auto* about = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message));
    is_touched_ =
        is_touched_ || (about->nfgen_family == NFPROTO_INET && text_of(attributes.at(kTableName)) == table_);
    return std::nullopt;
}

}  // namespace farewell::nft
