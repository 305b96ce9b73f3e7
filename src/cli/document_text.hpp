// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's documents and their values as text: for people, who look at a terminal, and for programs.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace farewell::cli {

/// With every text in it report::printable: what a screen is made of.
[[nodiscard]] nlohmann::json for_screen(nlohmann::json document);
/// The document itself, a line of JSON; what a terminal would heed is escaped, bytes that are not UTF-8 (of
/// file names, of the command line) become U+FFFD.
[[nodiscard]] std::string json_line(const nlohmann::json& document);

/// 0 where there is none.
[[nodiscard]] std::uint64_t number(const nlohmann::json& object, const char* name);
/// "11h59m" from a JSON number of seconds; sub-second parts matter only below a second.
[[nodiscard]] std::string duration(double seconds);
/// "19 µs" from a JSON number of seconds.
[[nodiscard]] std::string latency(double seconds);
/// Seconds since 1970 of an RFC 3339 stamp in UTC; nullopt if it is none.
[[nodiscard]] std::optional<double> seconds_of(const std::string& stamp);
/// "21:31:02.412" of an RFC 3339 stamp, in local time; the whole stamp with its date if `with_date`.
[[nodiscard]] std::string local_time(const std::string& stamp, bool with_date);

}  // namespace farewell::cli
