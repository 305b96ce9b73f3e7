// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/address_runs.hpp"

#include <algorithm>
#include <bit>

namespace farewell::core {
namespace {

constexpr std::uint8_t kWidest = AddressRuns::kLengths.back();

std::uint8_t leading_bits_in_common(const Address& one, const Address& other) {
    const auto these = one.bytes();
    const auto those = other.bytes();
    for (std::size_t i = 0; i < these.size(); ++i) {
        const auto differing = std::to_integer<std::uint8_t>(these[i] ^ those[i]);
        if (differing != 0) {
            return static_cast<std::uint8_t>(i * 8 + static_cast<std::size_t>(std::countl_zero(differing)));
        }
    }
    return full_length(one.family());
}

}  // namespace

std::optional<Prefix> AddressRuns::add(const Address& participant, Time now) {
    if (participant.family() != Family::ipv6) {
        return std::nullopt;
    }
    Run& run = run_of(participant.masked(kWidest), now);
    run.last = now;
    if (run.participants == 0) {
        run.first = participant;
        run.common = full_length(Family::ipv6);
        run.participants = 1;
    } else if (participant != run.first && run.participants == 1) {
        run.second = participant;
        run.participants = 2;
    } else if (participant != run.first && participant != run.second && run.participants == 2) {
        run.participants = kParticipantsMin;
    }
    run.common = std::min(run.common, leading_bits_in_common(run.first, participant));
    if (run.participants < kParticipantsMin) {
        return std::nullopt;
    }
    const auto* const length =
        std::ranges::find_if(kLengths, [&run](std::uint8_t each) { return each <= run.common; });
    return Prefix::of(participant, length == kLengths.end() ? kWidest : *length);
}

/// Those of no participants are of the IPv4 address 0.0.0.0, which is never asked for.
AddressRuns::Run& AddressRuns::run_of(const Address& network, Time now) {
    auto* run = std::ranges::find(runs_, network, &Run::network);
    if (run == runs_.end()) {
        run = std::ranges::min_element(runs_, {}, &Run::last);
        *run = Run{.network = network};
    } else if (now - run->last > kLasting) {
        *run = Run{.network = network};
    }
    return *run;
}

}  // namespace farewell::core
