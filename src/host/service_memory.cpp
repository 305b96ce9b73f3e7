// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/service_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/decode.hpp"
#include "report/address_text.hpp"

namespace farewell::host {
namespace {

constexpr std::string_view kFirstLine =
    "# farewell services 1: protocol/port, last seen (seconds since 1970)";

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

std::optional<core::Port> parse_port(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    core::Port port;
    for (const std::uint8_t protocol : {core::protocol::kTcp, core::protocol::kUdp, core::protocol::kSctp}) {
        port.protocol = protocol;
        if (parse_number(text.substr(slash + 1), port.number) && report::to_text(port) == text) {
            return port;
        }
    }
    return std::nullopt;
}

struct Entry {
    core::Port port;
    std::chrono::seconds last{0};  // since 1970
};

/// "tcp/22 1790000000"
std::optional<Entry> parse_entry(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = parse_port(line.substr(0, space));
    std::int64_t last = 0;
    constexpr std::int64_t kLatest = 9'000'000'000;  // the year 2255; what is later would not fit nanoseconds
    if (!port || !parse_number(line.substr(space + 1), last) || last < 0 || last > kLatest) {
        return std::nullopt;
    }
    return Entry{.port = *port, .last = std::chrono::seconds(last)};
}

}  // namespace

void ServiceMemory::on_listeners(std::span<const core::Port> ports, std::uint16_t ephemeral_first,
                                 std::uint16_t ephemeral_last, core::Time now) {
    for (const core::Port& port : ports) {
        const auto [entry, is_new] =
            ports_.try_emplace(port, Seen{.first = now, .last = now, .fleeting = false});
        Seen& seen = entry->second;
        seen.last = now;
        const bool may_be_client = port.protocol == core::protocol::kUdp && ephemeral_first <= port.number &&
                                   port.number <= ephemeral_last;
        seen.fleeting = may_be_client && (is_new || seen.fleeting) && now - seen.first < kSettledAfter;
    }
    forget(now);
}

void ServiceMemory::forget(core::Time now) {
    std::erase_if(ports_, [&](const auto& entry) {
        const Seen& seen = entry.second;
        return seen.last != now && (seen.fleeting || now - seen.last >= remember_);
    });
    if (ports_.size() <= kPortsMax) {
        return;
    }
    std::vector<std::pair<core::Time, core::Port>> by_age;
    by_age.reserve(ports_.size());
    for (const auto& [port, seen] : ports_) {
        by_age.emplace_back(seen.last, port);
    }
    const auto kept = by_age.begin() + kPortsMax;
    std::ranges::nth_element(by_age, kept, std::ranges::greater{});
    std::for_each(kept, by_age.end(), [this](const auto& oldest) { ports_.erase(oldest.second); });
}

std::vector<core::Port> ServiceMemory::served() const {
    std::vector<core::Port> served;
    served.reserve(ports_.size());
    for (const auto& [port, seen] : ports_) {
        served.push_back(port);
    }
    return served;
}

std::vector<core::Port> ServiceMemory::lasting() const {
    std::vector<core::Port> lasting;
    lasting.reserve(ports_.size());
    for (const auto& [port, seen] : ports_) {
        if (!seen.fleeting) {
            lasting.push_back(port);
        }
    }
    return lasting;
}

std::string ServiceMemory::to_text(core::Time now, WallTime wall_now) const {
    std::string text = fmt::format("{}\n", kFirstLine);
    for (const auto& [port, seen] : ports_) {
        if (seen.fleeting) {
            continue;
        }
        const auto last = wall_now - std::chrono::duration_cast<WallTime::duration>(now - seen.last);
        const auto since = std::chrono::floor<std::chrono::seconds>(last.time_since_epoch()).count();
        text += fmt::format("{} {}\n", report::to_text(port), std::max<std::int64_t>(since, 0));
    }
    return text;
}

std::expected<void, std::string> ServiceMemory::take_text(std::string_view text, core::Time now,
                                                          WallTime wall_now) {
    std::vector<Entry> entries;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        const auto entry = parse_entry(line);
        const bool is_right = number == 1 ? line == kFirstLine : entry.has_value();
        // A last line without its end has been cut.
        if (!is_right || end == std::string_view::npos || entries.size() == kPortsMax) {
            return std::unexpected(fmt::format("line {} is none of farewell's", number));
        }
        if (number > 1 && entry) {
            entries.push_back(*entry);
        }
        text.remove_prefix(end + 1);
    }
    if (number == 0) {
        return std::unexpected("it is empty");
    }
    for (const Entry& entry : entries) {
        const auto age =
            std::max<std::chrono::nanoseconds>(wall_now - WallTime(entry.last), std::chrono::nanoseconds(0));
        if (age < remember_) {
            ports_.insert_or_assign(entry.port,
                                    Seen{.first = now - age, .last = now - age, .fleeting = false});
        }
    }
    return {};
}

}  // namespace farewell::host
