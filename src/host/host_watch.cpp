// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/host_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include "host/resolver_file.hpp"
#include "host/small_file.hpp"
#include "report/errno_text.hpp"

namespace farewell::host {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;
constexpr const char* kEphemeralFile = "/proc/sys/net/ipv4/ip_local_port_range";  // of our network namespace

/// "32768\t60999\n"
std::optional<std::pair<std::uint16_t, std::uint16_t>> parse_range(std::string_view text) {
    std::pair<std::uint16_t, std::uint16_t> range;
    const char* const end = text.data() + text.size();
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), range.first);
    while (parsed.ec == std::errc{} && parsed.ptr != end && (*parsed.ptr == ' ' || *parsed.ptr == '\t')) {
        ++parsed.ptr;
    }
    parsed = std::from_chars(parsed.ptr, end, range.second);
    if (parsed.ec != std::errc{} || range.first > range.second) {
        return std::nullopt;
    }
    return range;
}

}  // namespace

std::expected<HostWatch, Error> HostWatch::open(HostSettings settings, core::Time now, WallTime wall_now) {
    auto network = NetworkWatch::open();
    if (!network) {
        return std::unexpected(network.error());
    }
    HostWatch watch(std::move(settings), std::move(*network));
    if (auto listeners = ListenerScan::open()) {
        watch.listeners_ = std::move(*listeners);
    } else {
        watch.complain("listeners", listeners.error().message() + "; which ports are served is not known");
    }
    watch.load(now, wall_now);
    return watch;
}

HostWatch::HostWatch(HostSettings settings, NetworkWatch network)
    : settings_(std::move(settings)),
      network_(std::move(network)),
      services_(settings_.remember_services),
      resolvers_(settings_.resolver_files.size()),
      ephemeral_(knowledge_->facts().ephemeral_first, knowledge_->facts().ephemeral_last) {}

HostWatch::Shared HostWatch::refresh(core::Time now) {
    const int reason = network_.refresh(now);
    complain("network",
             reason == 0 ? "" : fmt::format("read addresses and routes: {}", report::errno_text(reason)));
    look_at_resolvers();
    look_at_ephemeral_ports();
    look_at_sessions(now);
    if (now >= next_listing_) {
        next_listing_ = now + kListenersEvery;
        look_at_listeners(now);
    }
    const NetworkWatch::Facts& network = network_.facts();
    core::Knowledge::Facts facts{.interfaces = network.interfaces,
                                 .own_addresses = network.own_addresses,
                                 .on_link = network.on_link,
                                 .broadcasts = network.broadcasts,
                                 .gateways = network.gateways,
                                 .resolvers = {},
                                 .session_peers = session_peers_.addresses(),
                                 .ephemeral_first = ephemeral_.first,
                                 .ephemeral_last = ephemeral_.second,
                                 .served = services_.served()};
    for (const std::vector<core::Address>& resolvers : resolvers_) {
        facts.resolvers.insert(facts.resolvers.end(), resolvers.begin(), resolvers.end());
    }
    std::ranges::sort(facts.resolvers);
    const auto repeated = std::ranges::unique(facts.resolvers);
    facts.resolvers.erase(repeated.begin(), repeated.end());
    if (facts == knowledge_->facts()) {
        return nullptr;
    }
    knowledge_ = std::make_shared<const core::Knowledge>(std::move(facts));
    return knowledge_;
}

void HostWatch::look_at_listeners(core::Time now) {
    if (!listeners_) {
        return;
    }
    const auto ports = listeners_->read();
    if (!ports) {
        complain("listeners",
                 fmt::format("list the listening sockets: {}; which ports are served is not known",
                             report::errno_text(ports.error())));
        if (ports.error() == ENOENT) {
            listeners_.reset();  // no inet_diag; each question would look for the module anew
        }
        return;
    }
    complain("listeners", "");
    services_.on_listeners(*ports, ephemeral_.first, ephemeral_.second, now);
}

void HostWatch::look_at_resolvers() {
    for (std::size_t i = 0; i < resolvers_.size(); ++i) {
        // One that is missing is about to be replaced, or was never there: what was known stays.
        if (const auto text = read_file(settings_.resolver_files[i], kFileBytesMax)) {
            resolvers_[i] = parse_resolvers(*text);
        }
    }
}

void HostWatch::look_at_ephemeral_ports() {
    if (const auto text = read_file(kEphemeralFile, kFileBytesMax)) {
        ephemeral_ = parse_range(*text).value_or(ephemeral_);
    }
}

void HostWatch::look_at_sessions(core::Time now) {
    if (!settings_.protect_sessions) {
        session_peers_.clear();
        complain("sessions", "");
        complain("session names", "");
        return;
    }
    const LoginRecords records = settings_.login_records();
    session_peers_.on_sessions(records.sessions, network_.facts().own_addresses, now);
    complain("sessions", records.trouble.empty() ? "" : records.trouble + "; logged-in peers can be banned");
    complain("session names", session_peers_.trouble());
}

void HostWatch::remember_services_for(std::chrono::nanoseconds duration) {
    settings_.remember_services = duration;
    services_.remember_for(duration);
}

void HostWatch::load(core::Time now, WallTime wall_now) {
    if (settings_.services_file.empty() || settings_.remember_services.count() == 0) {
        return;
    }
    const auto text = read_file(settings_.services_file, kFileBytesMax);
    if (!text && text.error() == ENOENT) {
        return;  // the first start
    }
    const auto taken =
        text ? services_.take_text(*text, now, wall_now) : std::unexpected(report::errno_text(text.error()));
    if (!taken) {
        complaints_.push_back(fmt::format("services of before are not known, {} cannot be read: {}",
                                          settings_.services_file.string(), taken.error()));
    }
}

void HostWatch::save_if_due(core::Time now, WallTime wall_now) {
    if (now >= next_save_ || services_.lasting() != saved_) {
        save(now, wall_now);
    }
}

void HostWatch::save(core::Time now, WallTime wall_now) {
    next_save_ = now + kSaveEvery;
    saved_ = services_.lasting();
    if (settings_.services_file.empty() || settings_.remember_services.count() == 0) {
        return;
    }
    const int reason = replace_file(settings_.services_file, services_.to_text(now, wall_now));
    complain("file", reason == 0 ? ""
                                 : fmt::format("services will not be remembered, write {}: {}",
                                               settings_.services_file.string(), report::errno_text(reason)));
}

void HostWatch::complain(const char* about, const std::string& message) {
    std::string& trouble = troubles_[about];
    if (trouble != message && !message.empty()) {
        complaints_.push_back(message);
    }
    trouble = message;
}

}  // namespace farewell::host
