// SPDX-License-Identifier: GPL-2.0-or-later
// Which ports have had a listener of late. A port whose listener is away for a restart or a reboot is a
// service that is away: whoever knocks there is a customer, not a scanner. Pure: told what listens and what
// time it is.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/port.hpp"
#include "core/time.hpp"

namespace farewell::host {

using WallTime = std::chrono::system_clock::time_point;

class ServiceMemory {
 public:
    /// For how long a listener is remembered; zero: only while it is there.
    explicit ServiceMemory(std::chrono::nanoseconds remember) : remember_(remember) {}
    void remember_for(std::chrono::nanoseconds duration) { remember_ = duration; }

    /// What listens now: all of it, in any order and as often as it likes. UDP clients have sockets of
    /// ephemeral ports that look like servers' for a moment: such a port is remembered only once it has been
    /// there for kSettledAfter.
    void on_listeners(std::span<const core::Port> ports, std::uint16_t ephemeral_first,
                      std::uint16_t ephemeral_last, core::Time now);

    /// In order: all that are served now or have been of late.
    [[nodiscard]] std::vector<core::Port> served() const;
    /// Those of them that are worth keeping in a file.
    [[nodiscard]] std::vector<core::Port> lasting() const;

    /// As a small text file keeps it, by the wall clock: the other one starts anew with the machine.
    [[nodiscard]] std::string to_text(core::Time now, WallTime wall_now) const;
    /// Takes over what the file says, all or nothing; what is too old is left out, and a time to come counts
    /// as now: then the clock was wrong. The error says which line is none of ours.
    std::expected<void, std::string> take_text(std::string_view text, core::Time now, WallTime wall_now);

    /// The most that is remembered; beyond it those not seen for longest go.
    static constexpr std::size_t kPortsMax = 4096;
    static constexpr std::chrono::minutes kSettledAfter{10};

 private:
    struct Seen {
        core::Time first;
        core::Time last;
        bool fleeting = false;  // an ephemeral UDP port that has not settled
    };
    void forget(core::Time now);

    std::chrono::nanoseconds remember_;
    std::map<core::Port, Seen> ports_;
};

}  // namespace farewell::host
