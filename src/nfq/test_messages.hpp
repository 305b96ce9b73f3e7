// SPDX-License-Identifier: MIT
// Messages written down and read back, for tests that look at bytes.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "netlink/message.hpp"

namespace farewell::nfq {

inline std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
    std::vector<std::byte> result;
    for (const unsigned value : values) {
        result.push_back(static_cast<std::byte>(value));
    }
    return result;
}

inline constexpr std::uint16_t kSingle = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT;
inline constexpr std::uint16_t kBatch = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT_BATCH;

/// What a verdict message says.
struct Said {
    std::uint16_t type = 0;
    std::uint32_t code = 0;
    std::uint32_t id = 0;
    std::optional<std::uint32_t> mark{};  // NOLINT(readability-redundant-member-init): tests leave it out
    std::vector<std::byte> payload{};     // NOLINT(readability-redundant-member-init)
    friend bool operator==(const Said&, const Said&) = default;
};

inline std::vector<Said> said_in(std::span<const std::byte> messages) {
    std::vector<Said> said;
    netlink::MessageReader reader(messages);
    while (const auto message = reader.next()) {
        Said one{.type = message->type};
        netlink::AttributeReader attributes(message->body.subspan(4));
        while (const auto attribute = attributes.next()) {
            if (attribute->type == NFQA_VERDICT_HDR) {
                one.code = netlink::read_be32(attribute->value);
                one.id = netlink::read_be32(attribute->value.subspan(4));
            } else if (attribute->type == NFQA_MARK) {
                one.mark = netlink::read_be32(attribute->value);
            } else if (attribute->type == NFQA_PAYLOAD) {
                one.payload.assign(attribute->value.begin(), attribute->value.end());
            }
        }
        said.push_back(one);
    }
    return said;
}

}  // namespace farewell::nfq
