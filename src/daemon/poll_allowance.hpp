// SPDX-License-Identifier: GPL-2.0-or-later
// For how long receiving threads may look for packets without sleeping: briefly while somebody is in the
// middle of a scan, and never for more than a small share of one processor, whoever forges such beginnings.
//
// Threads:  none of its own; not safe to share.
#pragma once

#include <algorithm>
#include <chrono>

#include "core/time.hpp"

namespace farewell::daemon {

class PollAllowance {
 public:
    static constexpr std::chrono::microseconds kNone{0};
    /// One grant: the time between two packets of a scanner that sends 3,000 a second. Slower ones are caught
    /// between two of their packets even by a thread that has to be woken.
    static constexpr std::chrono::microseconds kGrant{300};
    /// Earned while time passes: a fiftieth of it, up to what a few scans at once take.
    static constexpr int kShare = 50;
    static constexpr std::chrono::milliseconds kMax{20};

    /// kGrant or kNone.
    std::chrono::microseconds take(core::Time now) {
        left_ = std::min<core::Time::duration>(left_ + (now - last_) / kShare, kMax);
        last_ = now;
        if (left_ < kGrant) {
            return kNone;
        }
        left_ -= kGrant;
        return kGrant;
    }

 private:
    core::Time last_{};
    core::Time::duration left_{};
};

}  // namespace farewell::daemon
