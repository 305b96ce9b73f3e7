// SPDX-License-Identifier: GPL-2.0-or-later
// ctnetlink's messages about flows. Pure. The numbers are of linux/netfilter/nfnetlink_conntrack.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/address.hpp"
#include "netlink/message.hpp"

namespace farewell::conntrack {

/// An entry of the table.
struct Flow {
    core::Family family = core::Family::ipv4;
    core::Address opened_by;  ///< source of the original direction
    core::Address
        answered_from;  ///< source of the reply direction: the far end, whatever address was translated
    std::uint8_t protocol = 0;
    std::uint32_t status = 0;      ///< IPS_… of nf_conntrack_common.h
    std::uint8_t tcp_state = 0;    ///< enum tcp_conntrack; 0 where it is no TCP
    std::vector<std::byte> tuple;  ///< of the original direction, as the kernel said it; never empty
    std::vector<std::byte> id;     ///< tells it from another one that takes its place
    std::vector<std::byte> zone;   ///< empty: the usual one
};

/// What the kernel need not tell of. Older ones do not know all of it and tell more: whoever asks looks
/// himself.
struct Filter {
    core::Family family = core::Family::ipv4;
    std::optional<core::Address> opened_by{};
    bool only_assured = false;
    bool by_tuple = true;  ///< false: for a kernel that has refused that
};

/// Asks for all flows that pass the filter.
void append_flow_question(netlink::MessageWriter& writer, const Filter& filter, std::uint32_t sequence);

/// nullopt for any other message, and for an entry that could not be removed by it later.
[[nodiscard]] std::optional<Flow> parse_flow(const netlink::Message& message);

/// Asks to remove exactly this entry; nothing is answered but an error, or if `is_answered`. False, and
/// nothing is written, for a flow without a tuple: a removal without one means every flow of the host.
[[nodiscard]] bool append_removal(netlink::MessageWriter& writer, const Flow& flow, std::uint32_t sequence,
                                  bool is_answered);

/// A connection of any protocol that both ends have taken part in, and that is not over.
[[nodiscard]] bool is_standing(const Flow& flow);
/// A TCP connection that was completed and closed by both ends, so that neither end's address is forged.
[[nodiscard]] bool is_over(const Flow& flow);

}  // namespace farewell::conntrack
