// SPDX-License-Identifier: MIT
// Acknowledgements: asked for, waited for, told apart from what arrives meanwhile.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"

namespace farewell::netlink {

/// What an NLMSG_ERROR says: errno (0 for an acknowledgement) and the sequence number it answers.
struct Acknowledgement {
    int errno_number = 0;
    std::uint32_t sequence = 0;
};
[[nodiscard]] std::optional<Acknowledgement> parse_acknowledgement(const Message& message);

/// A copy of a datagram, because the ring it came in is used again.
struct KeptDatagram {
    std::vector<std::byte> bytes;
    bool truncated = false;
};

/// Waits for the answer to the message of that sequence number; 0 or errno. Datagrams that hold anything but
/// answers are appended to `others`.
[[nodiscard]] int await_acknowledgement(Channel& channel, std::uint32_t sequence,
                                        std::vector<KeptDatagram>& others);

/// Makes fd() readable and ends a wait: sends a message that does nothing but be acknowledged. If the receive
/// buffer is full the acknowledgement is lost, but then nobody waits.
void wake(Channel& channel);

}  // namespace farewell::netlink
