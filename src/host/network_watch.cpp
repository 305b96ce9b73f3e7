// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/network_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "host/network_messages.hpp"
#include "netlink/dump.hpp"
#include "netlink/errors.hpp"
#include "netlink/socket.hpp"

namespace farewell::host {
namespace {

constexpr int kDrainsMax = 64;      // datagrams by the dozen each; the rest waits for the next call
constexpr int kRestOfTheTime = 10;  // as long as reading took, times this, nothing is read again
constexpr int kTriesWhenInterrupted = 3;

template <typename Value>
void sort_out(std::vector<Value>& values) {
    std::ranges::sort(values);
    const auto repeated = std::ranges::unique(values);
    values.erase(repeated.begin(), repeated.end());
}

bool is_whole_family(const core::Prefix& prefix) {
    return prefix.length == 0;
}

void take(const netlink::Message& message, NetworkWatch::Facts& facts) {
    if (auto link = parse_link(message)) {
        facts.interfaces.push_back(std::move(*link));
    } else if (const auto address = parse_address(message)) {
        facts.own_addresses.push_back(address->own);
        if (!is_whole_family(address->network)) {
            facts.on_link.push_back(address->network);
        }
    } else if (const auto route = parse_route(message)) {
        switch (route->kind) {
            case RouteKind::outwards:
                facts.gateways.insert(facts.gateways.end(), route->gateways.begin(), route->gateways.end());
                break;
            case RouteKind::connected:
                facts.on_link.push_back(route->destination);
                break;
            case RouteKind::broadcast:
                facts.broadcasts.push_back(route->destination.address);
                break;
            case RouteKind::other:
                break;
        }
    }
}

}  // namespace

std::expected<NetworkWatch, Error> NetworkWatch::open() {
    // The first changes are heard before anything is read, so that none is missed in between.
    auto changes = netlink::open_socket({.subsystem = netlink::Subsystem::route,
                                         .groups = kNetworkGroups,
                                         .report_overruns = true,
                                         .slots = 16,
                                         .slot_bytes = std::size_t{8} << 10,
                                         .receive_buffer_bytes = std::size_t{1} << 20,
                                         .netns_fd = {}});
    if (!changes) {
        return std::unexpected(
            netlink::system_error(changes.error().operation, changes.error().errno_number));
    }
    auto questions = netlink::open_dump_socket(netlink::Subsystem::route);
    if (!questions) {
        return std::unexpected(questions.error());
    }
    return NetworkWatch(std::move(*changes), std::move(*questions));
}

void NetworkWatch::on_readable() {
    for (int i = 0; i < kDrainsMax; ++i) {
        const auto datagrams = changes_->receive_now();
        if (!datagrams) {
            has_changed_ = true;  // ENOBUFS: some were lost, and nobody knows which
            return;
        }
        if (datagrams->empty()) {
            return;
        }
        for (const netlink::Datagram& datagram : *datagrams) {
            netlink::MessageReader reader(datagram.bytes);
            while (const auto message = reader.next()) {
                has_changed_ = has_changed_ || is_relevant_change(*message);
            }
        }
    }
}

int NetworkWatch::refresh(core::Time now) {
    if (!has_changed_ || now < not_before_) {
        return 0;
    }
    const auto began = std::chrono::steady_clock::now();
    auto facts = read();
    for (int i = 1; i < kTriesWhenInterrupted && !facts && facts.error() == EINTR; ++i) {
        facts = read();
    }
    not_before_ = now + (std::chrono::steady_clock::now() - began) * kRestOfTheTime;
    if (!facts) {
        return facts.error();
    }
    has_changed_ = false;
    facts_ = std::move(*facts);
    return 0;
}

std::expected<NetworkWatch::Facts, int> NetworkWatch::read() {
    Facts facts;
    netlink::MessageWriter question;
    for (const NetworkQuestion each : {NetworkQuestion::interfaces, NetworkQuestion::addresses,
                                       NetworkQuestion::routes4, NetworkQuestion::routes6}) {
        ++sequence_;
        question.clear();
        append_question(question, each, sequence_);
        const int reason = netlink::dump(*questions_, question, sequence_,
                                         [&facts](const netlink::Message& message) { take(message, facts); });
        // A kernel without IPv6 answers so; it has no such routes.
        const bool is_without_ipv6 = each == NetworkQuestion::routes6 && reason == EOPNOTSUPP;
        if (reason != 0 && !is_without_ipv6) {
            return std::unexpected(reason);
        }
    }
    sort_out(facts.interfaces);
    sort_out(facts.own_addresses);
    sort_out(facts.on_link);
    sort_out(facts.broadcasts);
    sort_out(facts.gateways);
    return facts;
}

}  // namespace farewell::host
