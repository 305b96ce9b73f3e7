// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/daemon.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "config/table_content.hpp"
#include "core/engine.hpp"
#include "daemon/allow_methods.hpp"
#include "daemon/clock.hpp"
#include "daemon/control_methods.hpp"
#include "daemon/control_server.hpp"
#include "daemon/engine_loop.hpp"
#include "daemon/event_feed.hpp"
#include "daemon/metrics.hpp"
#include "daemon/metrics_file.hpp"
#include "daemon/packet_rate.hpp"
#include "daemon/parts.hpp"
#include "daemon/rehearsal.hpp"
#include "daemon/resources.hpp"
#include "daemon/sandbox.hpp"
#include "daemon/stream_methods.hpp"
#include "daemon/supervision.hpp"
#include "daemon/verdict_wait.hpp"
#include "daemon/watch_feed.hpp"
#include "history/recorder.hpp"
#include "report/quantity_text.hpp"
#include "report/version.hpp"
#include "service/event_log.hpp"

namespace farewell::daemon {
namespace {

using config::CaptureSource;
using config::Config;
using config::ConfigError;
using config::ConfigSources;
using config::Mode;
using config::OnStop;
using report::ExitStatus;

constexpr std::chrono::seconds kLookAtHostEvery{1};
constexpr std::chrono::milliseconds kWatchEvery{500};

std::string table_text(const Config& config) {
    return "nftables table inet " + config.nft_table;
}

/// "nft (process 4711)"; empty if the kernel does not tell, or it was a repair.
std::string text_of(const nft::Change& change) {
    return change.program.empty() || change.is_own
               ? ""
               : fmt::format("{} (process {})", change.program, change.process);
}

void report_host_troubles(host::HostWatch& host) {
    for (const std::string& complaint : host.take_complaints()) {
        spdlog::warn("{}", complaint);
    }
}

/// The running daemon: what its threads share, and the control thread's callbacks.
class Daemon {
 public:
    Daemon(Config config, ConfigSources sources, Resources resources, service::ServiceManager manager);
    ExitStatus run();

 private:
    [[nodiscard]] StatusFacts facts();
    void on_event(history::Event event);
    void load_offences();
    std::vector<std::string> reload();
    void await_signal();
    void watch();
    void watch_host();
    void sample_packets();
    void write_metrics();
    void await_network_change();
    void await_ruleset_change();
    void look_at_host();
    void stop(ExitStatus status);
    [[nodiscard]] nft::TableContent table_content() const {
        return config::table_content(config_).value_or(nft::TableContent{});
    }
    void finish_bans();

    Config config_;                                               // control thread only
    const std::optional<nft::Trap> trap_ = table_content().trap;  // as chosen at start; engine thread
    const ConfigSources sources_;
    Resources resources_;
    const core::Time started_ = boot_now();
    core::Time config_loaded_ = started_;  // engine thread only, as the next
    std::vector<std::string> config_files_;
    std::unique_ptr<FlowWorker> flows_;  // nullptr: observing; until the engine thread has ended
    const std::unique_ptr<history::Recorder> history_;  // nullptr: off
    const std::unique_ptr<MetricsFile> metrics_file_;   // nullptr: none
    EngineLoop loop_;
    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_{context_, SIGTERM, SIGINT, SIGHUP};
    boost::asio::steady_timer watch_timer_{context_};
    boost::asio::steady_timer host_timer_{context_};
    boost::asio::steady_timer metrics_timer_{context_};
    boost::asio::posix::stream_descriptor network_{context_};
    boost::asio::posix::stream_descriptor ruleset_{context_};
    PacketRate packet_rate_;
    VerdictWait verdict_wait_;
    AllowMethods allow_;
    Supervision supervision_;
    ControlMethods methods_;
    EventFeed events_;
    WatchFeed pictures_;
    StreamMethods streams_{events_, pictures_};
    ControlServer server_;
    ExitStatus status_ = ExitStatus::ok;
};

Daemon::Daemon(Config config, ConfigSources sources, Resources resources, service::ServiceManager manager)
    : config_(std::move(config)),
      sources_(std::move(sources)),
      resources_(std::move(resources)),
      config_files_(file_names(config_)),
      flows_(resources_.flows ? std::make_unique<FlowWorker>(std::move(resources_.flows)) : nullptr),
      history_(make_recorder(config_)),
      metrics_file_(config_.metrics_textfile.empty()
                        ? nullptr
                        : std::make_unique<MetricsFile>(config_.metrics_textfile)),
      loop_(make_engine(config_, resources_), std::move(resources_.enforcer),
            {.rings = resources_.source->rings(),
             .allowlist = with_networks(config_.allowed_networks, resources_.allowed_by_hand),
             .enforcer_name = table_text(config_),
             .observing = config_.mode == Mode::observe,
             .flows = flows_.get(),
             .cut_connections = config_.cut_connections,
             .record = [this](history::Event event) { on_event(std::move(event)); }}),
      allow_(loop_, resources_.allowed_by_hand,
             [this]() -> const std::vector<core::Prefix>& { return config_.allowed_networks; }),
      supervision_(context_, std::move(manager), *resources_.source, loop_, config_.mode == Mode::observe),
      methods_(
          loop_, [this] { return facts(); }, [this] { return reload(); },
          [this](const core::Address& source) { return resources_.source->disregarded(source); }, allow_,
          history_.get()),
      events_(context_, loop_, history_.get()),
      pictures_(context_, loop_,
                {.observing = config_.mode == Mode::observe,
                 .started = started_,
                 .packets = [this] { return packet_facts(resources_.source->status()); }}),
      server_(context_, resources_.control,
              {.call = [this](const nlohmann::json& request,
                              ControlServer::Answer answer) { methods_.handle(request, std::move(answer)); },
               .follow =
                   [this](const nlohmann::json& request, std::shared_ptr<AnswerStream> stream) {
                       return streams_.follow(request, std::move(stream));
                   }}) {
    network_.assign(dup(resources_.host.fd()));  // a descriptor of its own to close
    if (resources_.changes) {
        ruleset_.assign(dup(resources_.changes->fd()));
    }
}

/// Engine thread.
void Daemon::on_event(history::Event event) {
    events_.on_event(event);
    if (history_) {
        history_->post(std::move(event));
    }
}

/// Asked of the history on its own thread: a start waits for no disk.
void Daemon::load_offences() {
    if (!history_) {
        return;
    }
    const auto ask = [this, limits = config_.limits](history::Archive& archive) {
        const auto wall =
            std::chrono::time_point_cast<history::WallTime::duration>(std::chrono::system_clock::now());
        const auto since = wall - std::chrono::floor<history::WallTime::duration>(limits.repeat_window);
        loop_.post([wall, offenders = archive.offenders(limits.offenders_max, since)](EngineLoop& loop) {
            const core::Time now = boot_now();
            for (const history::Offender& offender : offenders) {
                loop.remember_offences(offender.source, offender.bans + offender.soft_bans,
                                       now - (wall - offender.last_ban));
            }
        });
    };
    if (!history_->ask(ask)) {
        spdlog::warn("the history does not answer: who was banned before is not known");
    }
}

ExitStatus Daemon::run() {
    rehearse(loop_.enforcer());
    std::jthread engine([this](const std::stop_token& stop) { loop_.run(stop); });
    load_offences();
    resources_.source->start([this] { loop_.on_probes(); });
    for (const source::LaneStatus& lane : resources_.source->own_status()) {
        spdlog::info("listening to {} {}", resources_.source->lane_name(), lane.number);
    }
    if (!resources_.adopted.empty()) {
        spdlog::info("{} bans found in {} stay in force", resources_.adopted.size(), table_text(config_));
    }
    const core::Limits& limits = config_.limits;
    service::log_event(
        service::kStarted, spdlog::level::info,
        fmt::format("{}: {} {} within {}{} ban a source for {}",
                    config_.mode == Mode::observe ? "observing" : "enforcing", limits.threshold,
                    limits.rule == core::DetectionRule::plain ? "distinct closed ports" : "points",
                    report::to_text(limits.window),
                    limits.rule == core::DetectionRule::balanced && limits.burst > 0
                        ? fmt::format(" or {} closed ports within {}", limits.burst,
                                      report::to_text(limits.burst_window))
                        : "",
                    limits.unproven == core::UnprovenTreatment::soft
                        ? report::to_text(limits.soft_ban_duration) + ", softly"
                        : report::to_text(limits.ban_duration)));
    await_signal();
    watch();
    watch_host();
    write_metrics();
    await_network_change();
    await_ruleset_change();
    supervision_.begin();
    context_.run();
    resources_.host.save(boot_now(), std::chrono::system_clock::now());
    report_host_troubles(resources_.host);

    if (auto ended = resources_.source->stop(); !ended) {
        spdlog::error("{}", ended.error().message());
        status_ = ExitStatus::failure;
    }
    engine.request_stop();
    engine.join();
    flows_.reset();  // its callbacks post to the loop
    if (history_) {
        history_->stop();
    }
    finish_bans();
    spdlog::info("stopped");
    return status_;
}

void Daemon::finish_bans() {
    if (config_.on_stop == OnStop::leave) {
        if (auto rested = loop_.enforcer().rest(); !rested) {
            spdlog::error("{}", rested.error().message);
            status_ = ExitStatus::failure;
        }
        const std::size_t bans = loop_.engine().bans_wanted();
        if (bans > 0 && config_.mode == Mode::enforce) {
            spdlog::info("{} {} in force until the kernel's own timeout", bans,
                         bans == 1 ? "ban stays" : "bans stay");
        }
    } else if (auto removed = loop_.enforcer().remove(); !removed) {
        spdlog::error("{}", removed.error().message);
        status_ = ExitStatus::failure;
    }
}

StatusFacts Daemon::facts() {
    return {.version = report::kVersion,
            .pid = getpid(),
            .observing = config_.mode == Mode::observe,
            .started = started_,
            .config_loaded = config_loaded_,
            .config_files = config_files_,
            .logged = config_.capture.source == CaptureSource::nflog,
            .lanes = resources_.source->status(),
            .table = "inet " + config_.nft_table,
            .trap = trap_,
            .brake = loop_.enforcer().brake(),
            .packets_per_second = packet_rate_.per_second(),
            .verdict_p99 = verdict_wait_.p99(),
            .repairs = loop_.repairs(),
            .last_repair = loop_.last_repair(),
            .refused = loop_.refused(),
            .is_kernel_refusing = loop_.is_kernel_refusing(),
            .verified = loop_.verified(),
            .flows = flows_ ? flows_->counters() : FlowWorker::Counters(),
            .trouble = loop_.trouble(),
            .history = history_ ? std::optional(history_->status()) : std::nullopt,
            .metrics_file = metrics_file_ ? std::optional(metrics_file_->status()) : std::nullopt};
}

std::vector<std::string> Daemon::reload() {
    supervision_.reloading();
    auto wanted = config::load_config(sources_);
    if (!wanted) {
        std::vector<std::string> mistakes;
        for (const ConfigError& mistake : wanted.error()) {
            mistakes.push_back(mistake.text());
            spdlog::error("{}", mistakes.back());
        }
        const std::string outcome = "configuration not reloaded: the running one stays in force";
        service::log_event(service::kReloadRefused, spdlog::level::err, outcome,
                           {{service::field::kReason, mistakes.front()}});
        supervision_.reloaded(outcome + ": " + mistakes.front());
        return mistakes;
    }
    for (const std::string& key : config::keys_needing_restart(config_, *wanted)) {
        spdlog::warn("{} has changed: that takes a restart", key);
    }
    spdlog::set_level(spdlog_level(wanted->log_level));
    config_.limits = wanted->limits;
    config_.allowed_networks = wanted->allowed_networks;
    config_.on_stop = wanted->on_stop;
    config_.cut_connections = wanted->cut_connections;
    config_.remember_services = wanted->remember_services;
    config_.history_size = wanted->history_size;
    config_.history_age = wanted->history_age;
    if (history_) {
        history_->set_bounds(history_bounds(config_));
    }
    resources_.host.remember_services_for(wanted->remember_services);
    config_.protect_sessions = wanted->protect_sessions;
    resources_.host.protect_sessions(wanted->protect_sessions);
    loop_.post([this, limits = wanted->limits, brake = table_content().brake, allowlist = allow_.networks(),
                cut_connections = wanted->cut_connections,
                files = file_names(*wanted)](EngineLoop& loop) mutable {
        loop.cut_connections(cut_connections);
        config_loaded_ = boot_now();
        config_files_ = std::move(files);
        auto applied = loop.reconfigure(limits, allowlist);
        if (auto braked = loop.enforcer().brake_at(brake); applied && !braked) {
            applied = braked;
        }
        if (!applied) {
            spdlog::error("configuration reloaded, but: {}", applied.error().message);
            supervision_.reloaded("configuration reloaded, but: " + applied.error().message);
        } else {
            service::log_event(service::kReloaded, spdlog::level::info, "configuration reloaded");
            supervision_.reloaded("configuration reloaded");
        }
    });
    return {};
}

void Daemon::await_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) {
            return;
        }
        if (signal == SIGHUP) {
            reload();
            await_signal();
        } else {
            spdlog::info("{} received: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
            stop(ExitStatus::ok);
        }
    });
}

void Daemon::watch() {
    if (resources_.source->has_failed()) {
        stop(ExitStatus::failure);  // blind is worse than gone: whoever supervises us starts us anew
        return;
    }
    watch_timer_.expires_after(kWatchEvery);
    watch_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            watch();
        }
    });
}

void Daemon::watch_host() {
    look_at_host();
    sample_packets();
    host_timer_.expires_after(kLookAtHostEvery);
    host_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            watch_host();
        }
    });
}

void Daemon::sample_packets() {
    const std::vector<source::LaneStatus> lanes = resources_.source->own_status();
    source::WaitCounts waits;
    for (const source::LaneStatus& lane : lanes) {
        waits += lane.waits;
    }
    packet_rate_.sample(packet_facts(lanes).received, boot_now());
    verdict_wait_.sample(waits, boot_now());
}

void Daemon::write_metrics() {
    if (!metrics_file_) {
        return;
    }
    loop_.post([this](EngineLoop& loop) {
        metrics_file_->post([page = metrics_facts(facts(), loop.engine(), boot_now())] {
            return report::metrics_to_text(metrics_of(page));
        });
    });
    metrics_timer_.expires_after(config_.metrics_interval);
    metrics_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            write_metrics();
        }
    });
}

void Daemon::await_network_change() {
    network_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                            if (!error) {
                                resources_.host.on_readable();
                                look_at_host();
                                await_network_change();
                            }
                        });
}

void Daemon::await_ruleset_change() {
    if (!resources_.changes) {
        return;
    }
    ruleset_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                            if (error) {
                                return;
                            }
                            if (const auto change = resources_.changes->read()) {
                                loop_.post([by = text_of(*change)](EngineLoop& loop) { loop.verify(by); });
                            }
                            await_ruleset_change();
                        });
}

void Daemon::look_at_host() {
    if (const auto knowledge = resources_.host.refresh(boot_now())) {
        resources_.knowledge->publish(knowledge);
        loop_.post([knowledge](EngineLoop& loop) { loop.set_knowledge(knowledge); });
    }
    resources_.host.save_if_due(boot_now(), std::chrono::system_clock::now());
    report_host_troubles(resources_.host);
}

void Daemon::stop(ExitStatus status) {
    status_ = status;
    supervision_.end();
    server_.stop();
    signals_.cancel();
    watch_timer_.cancel();
    host_timer_.cancel();
    metrics_timer_.cancel();
    network_.cancel();
    if (ruleset_.is_open()) {  // it is not while observing
        ruleset_.cancel();
    }
    context_.stop();
}

}  // namespace

ExitStatus run_daemon(const Config& config, const ConfigSources& sources) {
    spdlog::set_level(spdlog_level(config.log_level));
    auto manager = service::ServiceManager::from_environment();
    const auto fail = [&manager](const StartFailure& failure) {
        service::log_event(service::kStartFailed, spdlog::level::err, failure.message,
                           {{service::field::kReason, failure.message}});
        manager.status(failure.message);
        return failure.status;
    };
    auto resources = acquire(config);
    if (!resources) {
        return fail(resources.error());
    }
    if (auto dropped = give_up_privileges(config, *resources); !dropped) {
        return fail(dropped.error());
    }
    if (auto entered = enter_sandbox(config); !entered) {
        return fail(entered.error());
    }
    Daemon daemon(config, sources, std::move(*resources), std::move(manager));
    return daemon.run();
}

}  // namespace farewell::daemon
