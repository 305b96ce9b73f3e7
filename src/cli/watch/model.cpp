// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/document_text.hpp"
#include "cli/screens.hpp"
#include "report/control_protocol.hpp"

namespace farewell::cli::watch {
namespace {

using nlohmann::json;
namespace method = report::control::method;

constexpr double kSpanMin = 15;
constexpr double kSpanMax = 960;
constexpr int kPageStep = 10;

double stamp_of(const json& object, const char* name) {
    return seconds_of(object.value(name, "")).value_or(0);
}

std::uint16_t number_of(const std::string& port) {
    std::uint16_t number = 0;
    const std::size_t slash = port.find('/');
    if (slash != std::string::npos) {
        std::from_chars(port.data() + slash + 1, port.data() + port.size(), number);
    }
    return number;
}

Row nearest_row(const json& source) {
    Row row{.source = source.value("source", ""),
            .share = source.value("share", 0.0),
            .points = source.value("points", 0.0),
            .threshold = number(source, "threshold"),
            .seen = stamp_of(source, "seen"),
            .could_be_forged = source.value("could_be_forged", true),
            .ports = source.value("ports", std::vector<std::string>{})};
    for (const std::string& tool : source.value("tools", std::vector<std::string>{})) {
        row.tools += (row.tools.empty() ? "" : ",") + tool;
    }
    return row;
}

Row ban_row(const json& ban) {
    return {.source = ban.value("source", ""),
            .seconds_left = ban.value("seconds_left", 0.0),
            .since = stamp_of(ban, "since"),
            .soft = ban.value("soft", false)};
}

template <typename Item>
void bound(std::deque<Item>& items, std::size_t most) {
    while (items.size() > most) {
        items.pop_front();
    }
}

bool is_letter(const Key& key, char letter) {
    return key.kind == Key::Kind::character && key.character == letter;
}

constexpr std::string_view kHelp =
    "Dots are probes, that is packets for closed ports: the newest on the right,\n"
    "high ports on top, low ones with more room, a colour for each source.\n"
    "Banned sources are red, and the moment of a ban is marked below.\n"
    "\n"
    "  j k arrows      select          Tab left right  the other list\n"
    "  e Enter         explain         b               ban\n"
    "  u               unban           a               put on the allowlist\n"
    "  /               only what has this in its address, or tried this port\n"
    "  Escape          everything again\n"
    "  + -             more or less time in the picture\n"
    "  p               pause           q               quit\n"
    "\n"
    "Points are what the rules count for what a source has tried; at the\n"
    "threshold it is banned. What a ban keeps out reaches no closed port, so its\n"
    "source makes no more dots.\n";

/// Pictures come so often that a rate as it is would only flicker.
double smoothed(double before, double now) {
    return before + (now - before) / 4;
}

}  // namespace

void List::replace(std::vector<Row> next) {
    const std::string known = selection() != nullptr ? selection()->source : "";
    rows = std::move(next);
    const auto found = std::ranges::find(rows, known, &Row::source);
    if (found != rows.end()) {
        selected = static_cast<std::size_t>(found - rows.begin());
    }
    selected = std::min(selected, rows.empty() ? 0 : rows.size() - 1);
}

void List::move(int by) {
    const auto last = static_cast<std::ptrdiff_t>(rows.size()) - 1;
    const std::ptrdiff_t wanted = static_cast<std::ptrdiff_t>(selected) + by;
    selected =
        static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(wanted, 0, std::max<std::ptrdiff_t>(last, 0)));
}

std::string_view Order::method() const {
    switch (kind) {
        case Kind::ban:
            return method::kAddBan;
        case Kind::unban:
            return method::kRemoveBan;
        case Kind::allow:
            return method::kAddAllowed;
        case Kind::explain:
            break;
    }
    return method::kExplain;
}

json Order::parameters() const {
    if (kind == Kind::explain) {
        return {{"address", source.substr(0, source.find('/'))}};  // of a network its first address
    }
    return {{"source", source}};
}

void Model::on_picture(const json& picture) {
    take_events(picture);
    header_.missed += number(picture, "missed");
    if (is_paused_) {
        return;
    }
    const bool is_first = !has_picture();
    now_ = stamp_of(picture, "at");
    const json& packets = picture.at("packets");
    const json& probes = picture.at("probes");
    const json& bans = picture.at("bans");
    const double packet_rate = packets.value("per_second", 0.0);
    const double probe_rate = probes.value("per_second", 0.0);
    header_ = {
        .version = picture.value("version", ""),
        .observing = picture.value("mode", "") == "observe",
        .uptime = picture.value("uptime_seconds", 0.0),
        .packets_per_second = is_first ? packet_rate : smoothed(header_.packets_per_second, packet_rate),
        .probes_per_second = is_first ? probe_rate : smoothed(header_.probes_per_second, probe_rate),
        .lost = number(packets, "lost"),
        .tracked = number(picture.at("sources"), "tracked"),
        .bans = number(bans, "total"),
        .bans_decided = number(bans, "decided"),
        .left_out = number(probes, "left_out"),
        .missed = header_.missed,
        .trouble = picture.value("trouble", "")};
    take_lists(picture);
}

void Model::take_events(const json& picture) {
    for (const json& probe : picture.at("probes").at("shown")) {
        ShownProbe shown{.at = stamp_of(probe, "at"),
                         .source = probe.value("source", ""),
                         .port = probe.value("port", "")};
        shown.number = number_of(shown.port);
        probes_.push_back(std::move(shown));
    }
    for (const json& change : picture.at("changes").at("shown")) {
        if (change.value("event", "") == "ban") {
            marks_.push_back(stamp_of(change, "at"));
        }
    }
    rates_.push_back(
        {.at = stamp_of(picture, "at"), .probes_per_second = picture.at("probes").value("per_second", 0.0)});
    bound(probes_, kProbesMax);
    bound(marks_, kMarksMax);
    bound(rates_, kRatesMax);
}

void Model::take_lists(const json& picture) {
    all_nearest_.clear();
    for (const json& source : picture.at("sources").at("nearest")) {
        all_nearest_.push_back(nearest_row(source));
    }
    all_bans_.clear();
    for (const json& ban : picture.at("bans").at("shown")) {
        all_bans_.push_back(ban_row(ban));
    }
    std::ranges::stable_sort(all_bans_, std::greater(), &Row::since);
    choose_rows();
}

void Model::choose_rows() {
    const auto chosen = [this](const std::vector<Row>& all) {
        std::vector<Row> rows;
        std::ranges::copy_if(all, std::back_inserter(rows), [this](const Row& row) { return matches(row); });
        return rows;
    };
    nearest_.replace(chosen(all_nearest_));
    bans_.replace(chosen(all_bans_));
}

bool Model::matches(const Row& row) const {
    return row.source.find(filter_) != std::string::npos ||
           std::ranges::any_of(row.ports, [this](const std::string& port) {
               return port == filter_ || port.substr(port.find('/') + 1) == filter_;
           });
}

bool Model::is_wanted(const ShownProbe& probe) const {
    return probe.source.find(filter_) != std::string::npos || probe.port == filter_ ||
           probe.port.substr(probe.port.find('/') + 1) == filter_;
}

bool Model::is_known_banned(const std::string& source) const {
    return std::ranges::find(all_bans_, source, &Row::source) != all_bans_.end();
}

bool Model::take_suspend() {
    return std::exchange(wants_to_suspend_, false);
}

std::optional<Order> Model::on_key(const Key& key) {
    if (key.kind == Key::Kind::interrupt) {
        wants_to_quit_ = true;
        return std::nullopt;
    }
    if (key.kind == Key::Kind::suspend) {
        wants_to_suspend_ = true;
        return std::nullopt;
    }
    switch (mode_) {
        case Mode::normal:
            return on_normal_key(key);
        case Mode::confirming:
            return on_confirming_key(key);
        case Mode::filtering:
            on_filtering_key(key);
            break;
        case Mode::reading:
            on_reading_key(key);
            break;
    }
    return std::nullopt;
}

std::optional<Order> Model::on_normal_key(const Key& key) {
    message_.clear();
    switch (key.kind) {
        case Key::Kind::up:
            move(-1);
            break;
        case Key::Kind::down:
            move(1);
            break;
        case Key::Kind::left:
            in_bans_ = false;
            break;
        case Key::Kind::right:
            in_bans_ = true;
            break;
        case Key::Kind::tab:
            in_bans_ = !in_bans_;
            break;
        case Key::Kind::enter:
            return on_letter('e');
        case Key::Kind::escape:
            filter_.clear();
            choose_rows();
            break;
        case Key::Kind::character:
            return on_letter(key.character);
        default:
            break;
    }
    return std::nullopt;
}

std::optional<Order> Model::on_letter(char letter) {
    switch (letter) {
        case 'q':
            wants_to_quit_ = true;
            break;
        case 'j':
            move(1);
            break;
        case 'k':
            move(-1);
            break;
        case 'b':
            ask(Order::Kind::ban);
            break;
        case 'u':
            ask(Order::Kind::unban);
            break;
        case 'a':
            ask(Order::Kind::allow);
            break;
        case 'e':
            if (selection() != nullptr) {
                return Order{.kind = Order::Kind::explain, .source = selection()->source};
            }
            say("nobody is selected", true);
            break;
        case 'p':
            is_paused_ = !is_paused_;
            break;
        case '+':
            span_ = std::min(span_ * 2, kSpanMax);
            break;
        case '-':
            span_ = std::max(span_ / 2, kSpanMin);
            break;
        case '/':
            mode_ = Mode::filtering;
            break;
        case '?':
            read(kHelp);
            break;
        default:
            say("press ? for help", false);
    }
    return std::nullopt;
}

void Model::ask(Order::Kind kind) {
    if (selection() == nullptr) {
        say("nobody is selected", true);
        return;
    }
    const std::string& source = selection()->source;
    if (kind == Order::Kind::unban && !is_known_banned(source)) {
        say(source + " is not banned", true);
        return;
    }
    unconfirmed_ = Order{.kind = kind, .source = source};
    question_ = kind == Order::Kind::ban     ? fmt::format("ban {} fully, for ban.duration?", source)
                : kind == Order::Kind::unban ? fmt::format("let {} in again?", source)
                                             : fmt::format("never ban {}: put it on the allowlist?", source);
    mode_ = Mode::confirming;
}

std::optional<Order> Model::on_confirming_key(const Key& key) {
    const bool is_no = is_letter(key, 'n') || is_letter(key, 'q') || key.kind == Key::Kind::escape;
    if (is_letter(key, 'y') || is_no) {
        mode_ = Mode::normal;
        const auto order = std::exchange(unconfirmed_, std::nullopt);
        return is_no ? std::nullopt : order;
    }
    return std::nullopt;  // anything else answers nothing
}

void Model::on_filtering_key(const Key& key) {
    constexpr std::size_t kFilterMax = 45;  // the longest address
    if (key.kind == Key::Kind::character && filter_.size() < kFilterMax) {
        filter_ += key.character;
    } else if (key.kind == Key::Kind::backspace && !filter_.empty()) {
        filter_.pop_back();
    } else if (key.kind == Key::Kind::escape) {
        filter_.clear();
        mode_ = Mode::normal;
    } else if (key.kind == Key::Kind::enter) {
        mode_ = Mode::normal;
    }
    choose_rows();
}

void Model::on_reading_key(const Key& key) {
    const auto scroll = [this](int by) {
        const auto last = static_cast<std::ptrdiff_t>(page_.size()) - 1;
        page_top_ = static_cast<std::size_t>(
            std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(page_top_) + by, 0, last));
    };
    if (key.kind == Key::Kind::down || is_letter(key, 'j')) {
        scroll(1);
    } else if (key.kind == Key::Kind::up || is_letter(key, 'k')) {
        scroll(-1);
    } else if (is_letter(key, ' ')) {
        scroll(kPageStep);
    } else {
        mode_ = Mode::normal;
    }
}

void Model::move(int by) {
    (in_bans_ ? bans_ : nearest_).move(by);
}

void Model::say(std::string text, bool is_bad) {
    message_ = std::move(text);
    is_message_bad_ = is_bad;
}

void Model::read(std::string_view text) {
    page_.clear();
    page_top_ = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        page_.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    mode_ = Mode::reading;
}

void Model::on_answer(const Order& order, const json& answer) {
    switch (order.kind) {
        case Order::Kind::ban:
            say(fmt::format("{} is banned{}", order.source, answer.value("already", false) ? " already" : ""),
                false);
            break;
        case Order::Kind::unban:
            say(order.source + " is let in again", false);
            break;
        case Order::Kind::allow:
            say(order.source + " is on the allowlist", false);
            break;
        case Order::Kind::explain:
            read(explain_screen(for_screen(answer), Paint(false)));
            break;
    }
}

void Model::on_failure(const CallFailure& failure) {
    say(failure.message, true);
}

}  // namespace farewell::cli::watch
