// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/broadcast_addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

namespace farewell::source {

void BroadcastAddresses::read_from_kernel() {
    ifaddrs* interfaces = nullptr;
    if (getifaddrs(&interfaces) != 0) {
        return;
    }
    std::vector<core::Address> found;
    for (const ifaddrs* entry = interfaces; entry != nullptr; entry = entry->ifa_next) {
        if ((entry->ifa_flags & IFF_BROADCAST) == 0 || entry->ifa_broadaddr == nullptr ||
            entry->ifa_broadaddr->sa_family != AF_INET) {
            continue;
        }
        sockaddr_in broadcast{};
        std::memcpy(&broadcast, entry->ifa_broadaddr, sizeof broadcast);
        std::array<std::byte, 4> bytes{};
        std::memcpy(bytes.data(), &broadcast.sin_addr, bytes.size());
        const core::Address address = core::Address::ipv4(bytes);
        // A /32 may have no broadcast address of its own; the kernel then repeats or leaves out the address.
        if (!address.is_unspecified()) {
            found.push_back(address);
        }
    }
    for (const ifaddrs* entry = interfaces; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        sockaddr_in own{};
        std::memcpy(&own, entry->ifa_addr, sizeof own);
        std::array<std::byte, 4> bytes{};
        std::memcpy(bytes.data(), &own.sin_addr, bytes.size());
        std::erase(found, core::Address::ipv4(bytes));  // an own address is a destination like any other
    }
    freeifaddrs(interfaces);
    replace(std::move(found));
}

void BroadcastAddresses::replace(std::vector<core::Address> addresses) {
    std::ranges::sort(addresses);
    const auto repeated = std::ranges::unique(addresses);
    addresses.erase(repeated.begin(), repeated.end());
    const std::scoped_lock lock(mutex_);
    if (addresses != addresses_) {
        addresses_ = std::move(addresses);
        version_.fetch_add(1, std::memory_order_release);
    }
}

bool BroadcastAddresses::View::contains(const core::Address& address) {
    if (all_.version_.load(std::memory_order_acquire) != version_) {
        const std::scoped_lock lock(all_.mutex_);
        version_ = all_.version_.load(std::memory_order_relaxed);
        addresses_ = all_.addresses_;
    }
    return std::ranges::binary_search(addresses_, address);
}

}  // namespace farewell::source
