// SPDX-License-Identifier: GPL-2.0-or-later
// For tests of the history: a folder of their own, and records and events to keep.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "history/archive.hpp"
#include "history/event.hpp"
#include "history/record.hpp"
#include "history/store.hpp"
#include "report/address_text.hpp"

namespace farewell::history::test {

class TemporaryFolder {
 public:
    TemporaryFolder() {
        std::string name = std::filesystem::temp_directory_path() / "farewell-history-XXXXXX";
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path file() const { return path_ / "history.db"; }

 private:
    std::filesystem::path path_;
};

/// Some seconds after midnight of 2026-01-01 UTC.
inline WallTime at(int seconds) {
    return WallTime(std::chrono::seconds(1'767'225'600 + seconds));
}

inline core::Prefix prefix(const std::string& text) {
    const auto parsed = report::parse_prefix(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(core::Prefix());
}

/// For an hour, by detection.
inline Record ban(const std::string& source, int seconds) {
    Record record;
    record.at = at(seconds);
    record.kind = EventKind::ban;
    record.source = prefix(source);
    record.reason = "port_scan";
    record.until = at(seconds + 3600);
    record.detail = R"({"ports":[{"port":"tcp/23"}],"evidence":{"distinct":1}})";
    return record;
}

inline Record unban(const std::string& source, int seconds) {
    Record record = ban(source, seconds);
    record.kind = EventKind::unban;
    record.reason = "expired";
    record.until.reset();
    record.detail = "{}";
    return record;
}

/// A ban of the n-th of many sources, as large as the evidence of a usual one.
inline Record numbered(std::uint32_t number) {
    const std::array<std::byte, 4> bytes{std::byte{198}, static_cast<std::byte>(18 + (number >> 16U & 1U)),
                                         static_cast<std::byte>(number >> 8U),
                                         static_cast<std::byte>(number)};
    Record record = ban("198.18.0.0", static_cast<int>(number));
    record.source = core::Prefix::of(core::Address::ipv4(bytes));
    record.detail =
        R"({"number":)" + std::to_string(number) + R"(,"filler":")" + std::string(900, 'x') + "\"}";
    return record;
}

/// Every one of them as "kind source@seconds".
inline std::vector<std::string> texts(const std::vector<Record>& records) {
    std::vector<std::string> all;
    all.reserve(records.size());
    for (const Record& record : records) {
        all.push_back(std::string(name_of(record.kind)) + " " +
                      (record.source ? report::to_text(*record.source) : "-") + "@" +
                      std::to_string(std::chrono::floor<std::chrono::seconds>(record.at - at(0)).count()));
    }
    return all;
}

/// Lines for the log.
struct Lines {
    std::vector<std::string> all;
    [[nodiscard]] Tell tell() {
        return [this](Tone tone, const std::string& line) {
            all.push_back((tone == Tone::warning ? "warning: " : "info: ") + line);
        };
    }
};

}  // namespace farewell::history::test
