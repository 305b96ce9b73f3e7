// SPDX-License-Identifier: GPL-2.0-or-later
// The firewall that a capture does not hold: drops what is for ports that never answered, and obeys what the
// operator says about open ports. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/decode.hpp"
#include "replay/conversations.hpp"

namespace farewell::replay {

/// A port that the firewall lets in whether it answers or not; on every host and with every protocol unless
/// they are named.
struct OpenPort {
    std::optional<core::Address> host{};
    std::optional<std::uint8_t> protocol{};
    std::uint16_t number = 0;

    [[nodiscard]] bool covers(const core::Packet& packet) const;
};

class Firewall {
 public:
    /// `drops_all`: the capture holds nothing but what a firewall dropped; conversations are not looked for.
    Firewall(std::vector<OpenPort> open, bool drops_all, std::uint64_t key)
        : open_(std::move(open)), drops_all_(drops_all), conversations_(key) {}

    void learn(const core::Packet& packet) {
        if (!drops_all_) {
            conversations_.learn(packet);
        }
    }
    [[nodiscard]] Fate fate_of(const core::Packet& packet) const;
    [[nodiscard]] const Conversations& conversations() const { return conversations_; }

 private:
    std::vector<OpenPort> open_;
    bool drops_all_;
    Conversations conversations_;
};

}  // namespace farewell::replay
