// SPDX-License-Identifier: GPL-2.0-or-later
// The directed broadcast addresses of this host's interfaces. A packet to one of them is chatter, never a
// probe, and only the host's own netmasks tell which they are. Read by the control thread now and then,
// looked at by every queue thread for every packet.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/address.hpp"

namespace farewell::source {

class BroadcastAddresses {
 public:
    /// Asks the kernel (getifaddrs). Keeps what it had if the kernel does not answer. Control thread.
    void read_from_kernel();
    void replace(std::vector<core::Address> addresses);

    /// One reader's own copy, renewed when the list has changed: one relaxed load a packet, no lock shared
    /// between queue threads. One thread each.
    class View {
     public:
        explicit View(const BroadcastAddresses& all) : all_(all) {}
        [[nodiscard]] bool contains(const core::Address& address);

     private:
        const BroadcastAddresses& all_;
        std::uint64_t version_ = 0;
        std::vector<core::Address> addresses_;
    };

 private:
    mutable std::mutex mutex_;
    std::vector<core::Address> addresses_;  // sorted; guarded by mutex_
    std::atomic<std::uint64_t> version_{0};
};

}  // namespace farewell::source
