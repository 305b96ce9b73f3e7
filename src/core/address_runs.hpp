// SPDX-License-Identifier: GPL-2.0-or-later
// Of a network that cannot be banned as a whole, because it holds somebody who must not be: the runs of
// neighbouring addresses that take part in its scan. Whoever has a whole IPv6 network for himself counts his
// addresses up; hosts that have nothing to do with one another have 64 random bits there, or a manager who
// gave each its own number, and those do not scan together within two seconds.
//
// Limits:  the last kRunsMax runs that took part; forgotten after kLasting without a participant. A scanner
//          that draws its addresses from all of a /64 makes no run.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/address.hpp"
#include "core/time.hpp"

namespace farewell::core {

class AddressRuns {
 public:
    /// An IPv6 address took part. The narrowest of kLengths around its run, once it is one.
    std::optional<Prefix> add(const Address& participant, Time now);

    static constexpr std::array<std::uint8_t, 3> kLengths{124, 120, 112};  // three sets at the most
    static constexpr std::size_t kParticipantsMin = 3;                     // as of any network
    static constexpr std::size_t kRunsMax = 64;
    static constexpr std::chrono::seconds kLasting{10};

 private:
    struct Run {
        Address network{};  // its kLengths.back()
        Address first{};
        Address second{};
        std::size_t participants = 0;  // distinct ones, counted up to kParticipantsMin
        std::uint8_t common = 0;       // leading bits that all of them share
        Time last = Time::min();
    };
    [[nodiscard]] Run& run_of(const Address& network, Time now);

    std::array<Run, kRunsMax> runs_{};
};

}  // namespace farewell::core
