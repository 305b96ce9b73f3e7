// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/metrics.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/clock.hpp"

namespace farewell::daemon {
namespace {

using report::Metric;
using report::MetricSample;
using report::MetricType;

MetricSample labelled(std::string_view label, std::string_view value, double number) {
    return {.labels = {{.name = std::string(label), .value = std::string(value)}}, .value = number};
}

double seconds(MetricsFacts::WallTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// The page as it grows. Each metric is one line of the functions below.
class Page {
 public:
    template <typename Number>
    void counter(std::string_view name, std::string_view help, Number value) {
        add(MetricType::counter, name, help, {{.labels = {}, .value = static_cast<double>(value)}});
    }
    template <typename Number>
    void gauge(std::string_view name, std::string_view help, Number value) {
        add(MetricType::gauge, name, help, {{.labels = {}, .value = static_cast<double>(value)}});
    }
    void add(MetricType type, std::string_view name, std::string_view help,
             std::vector<MetricSample> samples) {
        metrics_.push_back({.name = "farewell_" + std::string(name),
                            .type = type,
                            .help = std::string(help),
                            .samples = std::move(samples)});
    }
    std::vector<Metric> take() { return std::move(metrics_); }

 private:
    std::vector<Metric> metrics_;
};

void add_daemon(Page& page, const MetricsFacts& facts) {
    const StatusFacts& status = facts.status;
    page.add(MetricType::gauge, "build_info", "The version that runs; always 1.",
             {labelled("version", status.version, 1)});
    page.gauge("start_time_seconds", "When the daemon started, in seconds since 1970.",
               seconds(facts.started));
    page.gauge("config_loaded_timestamp_seconds", "When the configuration was last read.",
               seconds(facts.config_loaded));
    page.gauge("enforcing", "1 while scanners are banned, 0 while they are only observed.",
               status.observing ? 0 : 1);
    page.gauge("trap_enabled", "1 if the trap finds closed ports by itself.", status.trap ? 1 : 0);
    page.counter("textfile_failures_total", "Times that metrics.textfile could not be written.",
                 status.metrics_file ? status.metrics_file->failures : 0);
    page.add(MetricType::gauge, "degraded",
             "1 while something is amiss: more bans deserved than ban.per_minute, the history in memory "
             "alone, more sources than detect.memory, bans or repairs refused by the kernel.",
             {labelled("kind", "budget", facts.is_budget_spent ? 1 : 0),
              labelled("kind", "history", status.is_history_short() ? 1 : 0),
              labelled("kind", "memory", facts.is_memory_short ? 1 : 0),
              labelled("kind", "nftables", status.is_kernel_refusing ? 1 : 0)});
}

void add_lanes(Page& page, const StatusFacts& status) {
    std::vector<MetricSample> packets;
    std::vector<MetricSample> lost;
    std::vector<MetricSample> waiting;
    std::vector<MetricSample> buffers;
    std::vector<MetricSample> probes_lost;
    for (const source::LaneStatus& lane : status.lanes) {
        const std::string queue = std::to_string(lane.number);
        packets.push_back(labelled("queue", queue, static_cast<double>(lane.packets)));
        const auto add_lost = [&](std::string_view kind, std::uint64_t count) {
            MetricSample& sample = lost.emplace_back(labelled("queue", queue, static_cast<double>(count)));
            sample.labels.push_back({.name = "kind", .value = std::string(kind)});
        };
        add_lost("socket", lane.lost_in_socket);
        if (lane.lost_in_queue) {
            add_lost("queue", *lane.lost_in_queue);
        }
        if (lane.waiting) {
            waiting.push_back(labelled("queue", queue, *lane.waiting));
        }
        buffers.push_back(labelled("queue", queue, static_cast<double>(lane.receive_buffer_bytes)));
        probes_lost.push_back(labelled("queue", queue, static_cast<double>(lane.counts.probes_lost)));
    }
    page.add(MetricType::gauge, "capture_info", "Where packets come from; always 1.",
             {labelled("kind", status.logged ? "nflog" : "nfqueue", 1)});
    page.add(MetricType::counter, "packets_total", "Packets received, by queue or log group.", packets);
    page.add(MetricType::counter, "packets_lost_total",
             "Packets that the kernel could not hand over: the receive buffer (socket) or its own queue "
             "(queue) was full.",
             lost);
    if (!waiting.empty()) {
        page.add(MetricType::gauge, "queue_waiting_packets", "Packets waiting in the kernel's queue.",
                 waiting);
    }
    if (status.verdict_p99) {
        page.gauge(
            "verdict_p99_seconds",
            "99 of 100 packets of the last minute had their verdict no later after they were received.",
            std::chrono::duration<double>(*status.verdict_p99).count());
    }
    page.add(MetricType::gauge, "receive_buffer_bytes", "Receive buffer, as the kernel grants it.", buffers);
    page.add(MetricType::counter, "probes_lost_total", "Probes that the engine thread was too slow to take.",
             probes_lost);
}

void add_packets(Page& page, const StatusFacts& status) {
    source::PacketCounts counts;
    for (const source::LaneStatus& lane : status.lanes) {
        counts += lane.counts;
    }
    std::vector<MetricSample> probes;
    std::vector<MetricSample> disregarded;
    for (std::size_t i = 0; i < core::kRules; ++i) {
        const auto rule = static_cast<core::Rule>(i);
        (core::is_counted(rule) ? probes : disregarded)
            .push_back(labelled("rule", core::name_of(rule), static_cast<double>(counts.rules[i])));
    }
    std::vector<MetricSample> undecoded;
    undecoded.reserve(core::kDecodeErrors);
    for (std::size_t i = 0; i < core::kDecodeErrors; ++i) {
        undecoded.push_back(labelled("kind", core::name_of(static_cast<core::DecodeError>(i)),
                                     static_cast<double>(counts.undecoded[i])));
    }
    page.add(MetricType::counter, "probes_total", "Probes found, by the rule that made them one.", probes);
    page.add(MetricType::counter, "disregarded_packets_total",
             "Packets that are no evidence against anybody, by the rule that excused them.", disregarded);
    page.add(MetricType::counter, "undecoded_packets_total", "Packets that could not be decoded, by why.",
             undecoded);
}

void add_engine(Page& page, const MetricsFacts& facts) {
    const core::Counters& counters = facts.counters;
    page.counter("probes_judged_total", "Probes that the engine has looked at.", counters.probes);
    page.counter("probes_repeated_total", "Of those, for a port that the source had tried before.",
                 counters.probes_repeated);
    page.counter("probes_allowlisted_total", "Of those, from the allowlist.", counters.probes_allowlisted);
    page.counter("probes_protected_total",
                 "Of those, from own addresses, gateways, resolvers and logged-in peers.",
                 counters.probes_protected);
    page.counter("probes_of_banned_total",
                 "Of those, from banned sources: under way when the ban fell, or it is not in force.",
                 counters.probes_of_banned);
    page.gauge("sources_tracked", "Sources that something is remembered of.", facts.sources_tracked);
    page.gauge("sources_suspect", "Sources with at least half as many ports as detect.threshold.",
               facts.suspects);
    page.gauge("sources_offenders", "Sources whose earlier bans are remembered.", facts.offenders);
    page.counter("sources_evicted_total", "Sources forgotten to stay within detect.memory.",
                 counters.sources_evicted);
    page.counter("probes_not_admitted_total", "Probes of sources that detect.memory had no room for.",
                 counters.sources_not_admitted);
    page.counter("decoys_recognised_total", "Sources that tried what others tried at the same time.",
                 counters.decoys_recognised);
    page.gauge("memory_used_bytes", "Memory taken by what is remembered of sources.", facts.memory_used);
    page.gauge("memory_budget_bytes", "detect.memory.", facts.limits.memory_bytes);
}

void add_bans(Page& page, const MetricsFacts& facts) {
    const core::Counters& counters = facts.counters;
    const std::size_t missing = std::min(facts.status.refused, facts.bans_wanted);
    page.gauge("bans_active", "Bans in force in the kernel; while observing, those that would be.",
               facts.bans_wanted - missing);
    page.gauge("bans_missing", "Bans that are wanted and that the kernel refuses.", missing);
    page.counter("bans_decided_total", "Bans decided, by detection or by hand.", counters.bans_decided);
    page.counter("bans_soft_total", "Of those, soft ones, and those made soft later.", counters.bans_soft);
    page.counter("bans_of_networks_total", "Of those, bans of whole networks.", counters.bans_of_networks);
    page.counter("bans_enforced_total", "Bans that the kernel has acknowledged.", counters.bans_enforced);
    page.counter("bans_failed_total", "Times that the kernel refused a ban; it is retried.",
                 counters.bans_failed);
    page.counter("bans_refused_total", "Bans not decided because there were as many as there may be.",
                 counters.bans_refused);
    page.counter("bans_withheld_total", "Bans not decided because ban.per_minute was spent.",
                 counters.bans_withheld);
    page.counter("unbans_total", "Bans that ran out or were lifted.", counters.unbans);
    page.gauge("bans_per_minute_max", "ban.per_minute; 0 is no limit.", facts.limits.bans_per_minute);
    page.counter("nftables_repairs_total", "Times that the table was repaired after somebody changed it.",
                 facts.status.repairs);
    page.gauge("nftables_verified_timestamp_seconds",
               "When the kernel was last seen to hold all bans: at the start, and after changes by others.",
               seconds(facts.verified));
}

void add_connections(Page& page, const FlowWorker::Counters& flows) {
    page.counter("connections_asked_total", "Addresses looked for in the table of connections.", flows.asked);
    page.counter("connections_proven_total", "Of those, addresses proven genuine by their connections.",
                 flows.proven);
    page.counter("connections_removed_total", "Connections taken out of connection tracking.", flows.removed);
    page.counter("connections_walks_total", "Walks through the table of connections.", flows.walks);
    page.counter("connections_walks_failed_total", "Of those, walks that the kernel refused.", flows.failed);
    page.counter("connections_turned_away_total", "Sources not looked for because too many were waiting.",
                 flows.turned_away);
}

void add_host(Page& page, const MetricsFacts& facts) {
    page.add(MetricType::gauge, "protected_addresses", "Addresses that are never banned, by what they are.",
             {labelled("kind", "gateway", static_cast<double>(facts.gateways)),
              labelled("kind", "logged_in_peer", static_cast<double>(facts.session_peers)),
              labelled("kind", "own", static_cast<double>(facts.own_addresses)),
              labelled("kind", "resolver", static_cast<double>(facts.resolvers))});
    page.gauge("served_ports", "Ports with a listener now or of late.", facts.served_ports);
}

void add_history(Page& page, const std::optional<history::Recorder::Status>& history) {
    page.gauge("history_enabled", "1 if a history is kept.", history ? 1 : 0);
    if (!history) {
        return;
    }
    page.gauge("history_events", "Events that can be asked for.", history->events);
    page.gauge("history_memory_events", "Of those, events that are not on the disk yet.", history->waiting);
    page.gauge("history_size_bytes", "Size of the history on the disk.", history->bytes);
    page.gauge("history_size_max_bytes", "history.size.", history->bounds.size);
    page.counter("history_dropped_total", "Events lost: neither the disk nor memory had room.",
                 history->dropped);
}

}  // namespace

MetricsFacts metrics_facts(const StatusFacts& status, const core::Engine& engine, core::Time now) {
    const core::Knowledge::Facts& host = engine.knowledge().facts();
    return {.status = status,
            .started = wall_time(status.started),
            .config_loaded = wall_time(status.config_loaded),
            .verified = wall_time(status.verified),
            .counters = engine.counters(),
            .limits = engine.limits(),
            .sources_tracked = engine.sources_tracked(),
            .suspects = engine.suspects(now),
            .offenders = engine.offenders(),
            .memory_used = engine.memory_used(),
            .bans_wanted = engine.bans_wanted(),
            .is_memory_short = engine.is_degraded(now),
            .is_budget_spent = engine.is_over_budget(now),
            .own_addresses = host.own_addresses.size(),
            .gateways = host.gateways.size(),
            .resolvers = host.resolvers.size(),
            .session_peers = host.session_peers.size(),
            .served_ports = host.served.size()};
}

std::vector<Metric> metrics_of(const MetricsFacts& facts) {
    Page page;
    add_daemon(page, facts);
    add_lanes(page, facts.status);
    add_packets(page, facts.status);
    add_engine(page, facts);
    add_bans(page, facts);
    add_connections(page, facts.status.flows);
    add_host(page, facts);
    add_history(page, facts.status.history);
    return page.take();
}

}  // namespace farewell::daemon
