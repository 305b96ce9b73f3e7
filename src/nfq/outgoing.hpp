// SPDX-License-Identifier: MIT
// Verdict messages on their way to the kernel: heads in one buffer, altered payloads where they are, cut into
// sends that the socket's buffer takes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <farewell/nfq/verdict.hpp>
#include <span>
#include <vector>

#include "netlink/message.hpp"

namespace farewell::nfq {

class Outgoing {
 public:
    /// For one packet.
    void verdict_for(std::uint16_t number, std::uint32_t id, const Verdict& verdict);
    /// The same with its new bytes, borrowed until they are discarded or kept.
    void verdict_for(std::uint16_t number, std::uint32_t id, const Verdict& verdict,
                     std::span<const std::byte> payload);
    /// For every packet up to this id that has none yet.
    void verdict_up_to(std::uint16_t number, std::uint32_t id, const Verdict& verdict);

    [[nodiscard]] bool empty() const { return heads_.empty(); }
    /// Nothing is lent out to it any more: payloads that are still to be sent are copied.
    void keep();

    struct Front {
        std::span<const std::span<const std::byte>> parts;  // valid until anything else is called
        std::size_t bytes = 0;
    };
    /// Whole messages from the front, of no more than `limit` bytes in all and kPartsMax parts; at least one
    /// message.
    [[nodiscard]] Front front(std::size_t limit);
    /// Takes off what front() gave last.
    void discard_front();

    static constexpr std::size_t kPartsMax = 256;

 private:
    struct Payload {
        std::size_t at;  // in the heads; what follows there is the padding
        std::span<const std::byte> bytes;
    };
    netlink::MessageWriter heads_;
    std::vector<Payload> payloads_;  // in their order
    std::vector<std::span<const std::byte>> parts_;
    std::size_t front_heads_ = 0;     // bytes of them that front() gave
    std::size_t front_payloads_ = 0;  // and payloads
};

}  // namespace farewell::nfq
