// SPDX-License-Identifier: GPL-2.0-or-later
// The company a source keeps: who else tried the same ports in the same order at the same time. A scanner
// that hides among decoys (nmap -D) sends each probe once from its own address and once from every forged
// one.
//
// Cost: remember() writes 32 bytes into a ring; companions() reads all of it, for a source about to be
// banned. Memory: the ring, 32 KiB. A flood washes it out within milliseconds; decoys then go unrecognised.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <vector>

#include "core/address.hpp"
#include "core/port.hpp"
#include "core/time.hpp"

namespace farewell::core {

class Company {
 public:
    void remember(const Address& source, const Port& port, Time now);

    /// Sources other than `source` that tried at least kPortsInCommonMin of the ports it tried, in its order
    /// and within kTogether of it, and missed at most one of them. At most kCompanionsMax.
    [[nodiscard]] std::vector<Address> companions(const Address& source, Time now) const;

    static constexpr std::size_t kRemembered = 1024;
    static constexpr std::size_t kPortsInCommonMin = 3;
    static constexpr std::size_t kCompanionsMax = 64;
    static constexpr std::chrono::seconds kTogether{1};
    static constexpr std::chrono::seconds kRecently{30};  ///< how far back a source's own probes are compared

 private:
    struct Entry {
        Address source;
        Port port;
        Time at = Time::min();
    };
    /// From the oldest to the newest.
    template <typename Visit>
    void for_each(Visit&& visit) const;

    std::array<Entry, kRemembered> ring_{};
    std::size_t next_ = 0;
};

}  // namespace farewell::core
