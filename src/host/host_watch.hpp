// SPDX-License-Identifier: GPL-2.0-or-later
// All the host knows of itself, kept current: core::Knowledge, made anew whenever it changes.
//
// Use:     open(), refresh() once before anything is decided; then on_readable() whenever fd() is readable,
//          and once a second refresh() and save_if_due(). What it could not do is in take_complaints().
// Threads: one; the knowledge it hands out is shared with any.
// Cost:    a refresh opens three small files, and a few for each session; every kListenersEvery it lists the
// listening sockets. Logs:    nothing. Needs no privilege but for writing its file.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <farewell/error.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/knowledge.hpp"
#include "core/time.hpp"
#include "host/listener_scan.hpp"
#include "host/login_records.hpp"
#include "host/network_watch.hpp"
#include "host/service_memory.hpp"
#include "host/session_peers.hpp"

namespace farewell::host {

struct HostSettings {
    std::chrono::nanoseconds remember_services = std::chrono::hours(24);  // zero: only what listens now
    std::filesystem::path services_file;  // remembers them over a restart; empty: nothing does
    // The second one holds systemd-resolved's upstreams, where the first one only names itself.
    std::vector<std::filesystem::path> resolver_files{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"};
    bool protect_sessions = true;
    std::function<LoginRecords()> login_records = [] { return read_login_records("/run/utmp"); };
};

class HostWatch {
 public:
    using Shared = std::shared_ptr<const core::Knowledge>;  // by all threads that judge packets

    /// Takes over the services of the file.
    [[nodiscard]] static std::expected<HostWatch, Error> open(HostSettings settings, core::Time now,
                                                              WallTime wall_now);

    [[nodiscard]] int fd() const { return network_.fd(); }
    void on_readable() { network_.on_readable(); }

    /// Looks at what is due; the new knowledge if it has changed, nullptr if not.
    [[nodiscard]] Shared refresh(core::Time now);
    /// As of the last refresh; never nullptr.
    [[nodiscard]] const Shared& knowledge() const { return knowledge_; }

    void remember_services_for(std::chrono::nanoseconds duration);
    /// From the next refresh on.
    void protect_sessions(bool on) { settings_.protect_sessions = on; }
    /// Writes the file if services have come or gone, and now and then.
    void save_if_due(core::Time now, WallTime wall_now);
    void save(core::Time now, WallTime wall_now);

    /// What has gone wrong since the last call, a sentence each; a trouble that lasts is told once.
    [[nodiscard]] std::vector<std::string> take_complaints() { return std::exchange(complaints_, {}); }

    static constexpr std::chrono::seconds kListenersEvery{5};
    static constexpr std::chrono::minutes kSaveEvery{5};

 private:
    HostWatch(HostSettings settings, NetworkWatch network);
    void load(core::Time now, WallTime wall_now);
    void look_at_listeners(core::Time now);
    void look_at_resolvers();
    void look_at_ephemeral_ports();
    void look_at_sessions(core::Time now);
    /// Tells of a trouble when it begins; an empty message ends it.
    void complain(const char* about, const std::string& message);

    HostSettings settings_;
    NetworkWatch network_;
    std::optional<ListenerScan> listeners_;  // nullopt: the kernel has none of it
    ServiceMemory services_;
    std::vector<std::vector<core::Address>> resolvers_;  // of each file
    SessionPeers session_peers_;
    Shared knowledge_ = std::make_shared<const core::Knowledge>();
    std::pair<std::uint16_t, std::uint16_t> ephemeral_;
    core::Time next_listing_ = core::Time::min();
    core::Time next_save_ = core::Time::min();
    std::vector<core::Port> saved_;
    std::map<std::string, std::string> troubles_;
    std::vector<std::string> complaints_;
};

}  // namespace farewell::host
