// SPDX-License-Identifier: GPL-2.0-or-later
// `farewell watch`: waits for pictures, keys and signals, and draws what has come of them.
#include <fmt/format.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/commands.hpp"
#include "cli/document_text.hpp"
#include "cli/watch/model.hpp"
#include "cli/watch/terminal.hpp"
#include "cli/watch/view.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli {
namespace {

using nlohmann::json;
using report::ExitStatus;

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): there is one thread
    return value != nullptr ? value : "";
}

watch::Palette palette_of(const Session& session) {
    if (!is_coloured(session.colour, STDOUT_FILENO)) {
        return watch::Palette::none;
    }
    const std::string_view terminal = variable("TERM");
    const bool has_many =
        terminal.find("256color") != std::string_view::npos || !variable("COLORTERM").empty();
    return has_many ? watch::Palette::many : watch::Palette::sixteen;
}

bool is_unicode_shown() {
    std::setlocale(LC_CTYPE, "");  // NOLINT(concurrency-mt-unsafe): there is one thread
    return std::string_view(nl_langinfo(CODESET)) == "UTF-8";
}

/// An order that has been sent, and whose answer is awaited while everything else goes on.
struct PendingOrder {
    watch::Order order;
    ControlStream stream;
};

class Watch {
 public:
    Watch(const Session& session, watch::Terminal& terminal, ControlStream pictures)
        : session_(session), terminal_(terminal), pictures_(std::move(pictures)) {}

    /// The error is why the daemon has gone.
    std::expected<void, CallFailure> run() {
        while (!model_.wants_to_quit()) {
            draw();
            std::array<pollfd, 4> ready{
                {{.fd = pictures_.fd(), .events = POLLIN, .revents = 0},
                 {.fd = terminal_.keys_fd(), .events = POLLIN, .revents = 0},
                 {.fd = terminal_.signals_fd(), .events = POLLIN, .revents = 0},
                 {.fd = pending_ ? pending_->stream.fd() : -1, .events = POLLIN, .revents = 0}}};
            poll(ready.data(), ready.size(), -1);
            if (ready[2].revents != 0 && !heed_signals()) {
                return {};
            }
            if (ready[0].revents != 0) {
                if (auto taken = take_pictures(); !taken) {
                    return taken;
                }
            }
            if (ready[1].revents != 0 && !heed_keys()) {
                return {};
            }
            if (ready[3].revents != 0) {
                take_answer();
            }
        }
        return {};
    }

 private:
    void draw() {
        watch::Canvas next = watch::draw(model_, terminal_.size(), with_unicode_);
        terminal_.write(watch::difference(shown_ ? &*shown_ : nullptr, next, palette_));
        shown_ = std::move(next);
    }

    std::expected<void, CallFailure> take_pictures() {
        const auto taken = pictures_.take();
        if (!taken) {
            return std::unexpected(taken.error());
        }
        for (const json& picture : taken->answers) {
            model_.on_picture(picture);
        }
        return {};
    }

    /// false: one of them ends the program.
    bool heed_signals() {
        while (const int signal = terminal_.read_signal()) {
            switch (signal) {
                case SIGWINCH:
                    break;  // the next drawing asks for the size
                case SIGTSTP:
                    suspend();
                    break;
                case SIGCONT:  // after a SIGSTOP that nobody announced; the shell has had the terminal
                    terminal_.enter();
                    shown_.reset();
                    break;
                default:
                    return false;
            }
        }
        return true;
    }

    void suspend() {
        terminal_.stop_until_continued();
        shown_.reset();
    }

    /// false: the terminal is gone.
    bool heed_keys() {
        const std::string bytes = terminal_.read_keys();
        for (const watch::Key& key : watch::keys_of(bytes)) {
            if (const auto order = model_.on_key(key)) {
                send(*order);
            }
            if (model_.take_suspend()) {
                suspend();
            }
        }
        return !bytes.empty();
    }

    void send(const watch::Order& order) {
        auto stream = session_.daemon().open(order.method(), order.parameters(), false);
        if (!stream) {
            model_.on_failure(stream.error());
            return;
        }
        pending_.emplace(PendingOrder{.order = order, .stream = std::move(*stream)});
    }

    void take_answer() {
        if (!pending_) {
            return;
        }
        const auto taken = pending_->stream.take();
        if (taken && taken->answers.empty()) {
            return;  // not all of it has come yet
        }
        const watch::Order order = pending_->order;
        pending_.reset();
        if (!taken) {
            model_.on_failure(taken.error());
        } else {
            model_.on_answer(order, taken->answers.front());
        }
    }

    const Session& session_;
    watch::Terminal& terminal_;
    ControlStream pictures_;
    watch::Model model_;
    const watch::Palette palette_ = palette_of(session_);
    const bool with_unicode_ = is_unicode_shown();
    std::optional<watch::Canvas> shown_;
    std::optional<PendingOrder> pending_;
};

ExitStatus print_pictures(const Session& session) {
    const auto followed =
        session.daemon().follow(report::control::method::kWatch, json::object(), [](const json& picture) {
            fmt::print("{}", json_line(picture));
            std::fflush(stdout);
        });
    return followed ? ExitStatus::ok : session.fail(followed.error());
}

ExitStatus run_watch(const Session& session) {
    if (session.as_json || isatty(STDOUT_FILENO) != 1) {
        return print_pictures(session);
    }
    if (variable("TERM").empty() || variable("TERM") == "dumb") {
        return session.fail(ExitStatus::usage,
                            "this terminal cannot be drawn on (TERM); try farewell watch --json");
    }
    auto pictures = session.daemon().open(report::control::method::kWatch, json::object(), true);
    if (!pictures) {
        return session.fail(pictures.error());
    }
    std::expected<void, CallFailure> watched;
    {
        auto terminal = watch::Terminal::open();
        if (!terminal) {
            return session.fail(ExitStatus::usage, terminal.error());
        }
        terminal->enter();
        watched = Watch(session, *terminal, std::move(*pictures)).run();
    }  // the terminal is as it was: what is said now stays on it
    return watched ? ExitStatus::ok : session.fail(watched.error());
}

}  // namespace

void add_watch_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand("watch", "probes, sources and bans as they happen; keys to act");
    session.on(*command, [&session] { return run_watch(session); });
}

}  // namespace farewell::cli
