// SPDX-License-Identifier: GPL-2.0-or-later
// Who spoke to whom in a capture, who began, and which ports answered: what the first pass learns, so that
// the second can tell what a firewall would have dropped. Pure.
//
// Cost:      one or two hash lookups a packet; allocates for what is new.
// Memory:    about 17 to 34 bytes for each conversation and each answering port, up to the limit. Both are
//            kept by a 64-bit hash, not by their addresses; with four million of them, the chance that any
//            two collide is below one in a million.
// At the limit: what is new is not remembered, and `fate_of` answers `unknown` for it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/address.hpp"
#include "core/decode.hpp"

namespace farewell::replay {

/// What a firewall that knows the whole capture thinks of a packet.
enum class Fate : std::uint8_t {
    dropped,      ///< for a port that never answered, and nobody asked for it
    answered,     ///< for a port that answers
    reply,        ///< of a conversation that the packet's destination began
    established,  ///< of a conversation that began before the capture
    unknown,      ///< of a conversation beyond the limit
};
inline constexpr std::size_t kFates = 5;
[[nodiscard]] std::string_view name_of(Fate fate);

/// Whether a packet of this fate shows that its destination has completed a handshake: a server sends data
/// over TCP only when its SYN+ACK was answered, which whoever forges an address never sees.
[[nodiscard]] bool proves_destination(const core::Packet& packet, Fate fate);

class Conversations {
 public:
    static constexpr std::size_t kRememberedMax = std::size_t{1} << 22U;

    /// `key` is a random number that whoever made the capture does not know.
    explicit Conversations(std::uint64_t key, std::size_t remembered_max = kRememberedMax)
        : key_(key), remembered_max_(remembered_max) {}

    /// First pass: packets in the order of the capture.
    void learn(const core::Packet& packet);
    /// Second pass. Without conversations (ICMP, later fragments) a packet is dropped: classify knows them.
    [[nodiscard]] Fate fate_of(const core::Packet& packet) const;

    [[nodiscard]] std::size_t remembered() const { return flags_.size() + answering_.size(); }
    /// Conversations and ports that were not remembered, packets of the same counted anew.
    [[nodiscard]] std::uint64_t forgone() const { return forgone_; }

 private:
    using Flags = std::uint8_t;
    struct AlreadyMixed {
        using is_avalanching = void;
        std::size_t operator()(std::uint64_t hash) const { return hash; }
    };

    [[nodiscard]] std::uint64_t endpoint(const core::Address& address, const core::Packet& packet,
                                         std::uint16_t port) const;
    void note_answering(std::uint64_t endpoint);

    std::uint64_t key_;
    std::size_t remembered_max_;
    std::uint64_t forgone_ = 0;
    boost::unordered_flat_map<std::uint64_t, Flags, AlreadyMixed> flags_;  // by conversation
    boost::unordered_flat_set<std::uint64_t, AlreadyMixed> answering_;     // endpoints
};

}  // namespace farewell::replay
