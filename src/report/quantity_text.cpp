// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/quantity_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <limits>

namespace farewell::report {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};
// Longest first; "ms" stands before "m" and "s" because a name is matched from the left.
constexpr std::array kDurationUnits{
    Unit{"d", 86'400'000'000'000}, Unit{"h", 3'600'000'000'000}, Unit{"ms", 1'000'000},
    Unit{"m", 60'000'000'000},     Unit{"s", 1'000'000'000},
};

std::int64_t milliseconds_of_second(std::chrono::system_clock::time_point time) {
    const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
    return (since_epoch % std::chrono::seconds(1)).count();
}

std::string formatted(const std::tm& parts, const char* form) {
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), form, &parts)};
}

std::time_t seconds_since_epoch(std::chrono::system_clock::time_point time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    std::int64_t total = 0;
    while (!text.empty()) {
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (error != std::errc{} || count < 0) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const Unit* unit = nullptr;
        for (const Unit& candidate : kDurationUnits) {
            if (text.starts_with(candidate.name)) {
                unit = &candidate;
                break;
            }
        }
        std::int64_t part = 0;
        if (unit == nullptr || __builtin_mul_overflow(count, unit->nanoseconds, &part) ||
            __builtin_add_overflow(total, part, &total)) {
            return std::nullopt;
        }
        text.remove_prefix(unit->name.size());
    }
    return std::chrono::nanoseconds(total);
}

std::string to_text(std::chrono::nanoseconds duration) {
    constexpr std::array kShown{
        Unit{"d", 86'400'000'000'000}, Unit{"h", 3'600'000'000'000}, Unit{"m", 60'000'000'000},
        Unit{"s", 1'000'000'000},      Unit{"ms", 1'000'000},
    };
    std::int64_t rest = duration.count();
    std::string text;
    int parts = 0;
    for (const Unit& unit : kShown) {
        const std::int64_t count = rest / unit.nanoseconds;
        if (count == 0) {
            if (parts > 0) {
                break;  // "1d" and not "1d0h5m"
            }
            continue;
        }
        text += fmt::format("{}{}", count, unit.name);
        rest -= count * unit.nanoseconds;
        if (++parts == 2) {
            break;
        }
    }
    return text.empty() ? "0s" : text;
}

std::string latency_to_text(std::chrono::nanoseconds latency) {
    using std::chrono::milliseconds;
    const std::chrono::duration<double, std::milli> exact = latency;
    if (latency < milliseconds(1)) {
        return fmt::format("{} µs", std::chrono::round<std::chrono::microseconds>(latency).count());
    }
    if (latency < milliseconds(10)) {
        return fmt::format("{:.1f} ms", exact.count());
    }
    return latency < std::chrono::seconds(1) ? fmt::format("{:.0f} ms", exact.count()) : to_text(latency);
}

std::optional<std::size_t> parse_size(std::string_view text) {
    std::size_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    unsigned shift = 0;
    if (unit == "KiB") {
        shift = 10;
    } else if (unit == "MiB") {
        shift = 20;
    } else if (unit == "GiB") {
        shift = 30;
    } else if (!unit.empty() && unit != "B") {
        return std::nullopt;
    }
    if (count > (std::numeric_limits<std::size_t>::max() >> shift)) {
        return std::nullopt;
    }
    return count << shift;
}

std::string size_to_text(std::size_t bytes) {
    if (bytes < 1024) {
        return fmt::format("{} B", bytes);
    }
    constexpr std::array kNames{"KiB", "MiB", "GiB", "TiB"};
    double amount = static_cast<double>(bytes) / 1024;
    std::size_t name = 0;
    while (amount >= 1024 && name + 1 < kNames.size()) {
        amount /= 1024;
        ++name;
    }
    if (amount < 10) {
        return fmt::format("{:.1f} {}", amount, kNames.at(name));
    }
    return fmt::format("{:.0f} {}", amount, kNames.at(name));
}

std::string to_text(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = seconds_since_epoch(time);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return fmt::format("{}.{:03}", formatted(parts, "%Y-%m-%d %H:%M:%S"), milliseconds_of_second(time));
}

std::string to_rfc3339(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = seconds_since_epoch(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{}.{:03}Z", formatted(parts, "%Y-%m-%dT%H:%M:%S"), milliseconds_of_second(time));
}

std::string counted(std::uint64_t count, std::string_view thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace farewell::report
