// SPDX-License-Identifier: GPL-2.0-or-later
// Durations, sizes and points in time as people write and read them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farewell::report {

/// "500ms", "30s", "15m", "12h", "7d", and sums of them: "1h30m". Nothing else: a number without a unit is a
/// guess.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// The two largest units that are not zero: "11h59m", "30s", "250ms", "0s".
[[nodiscard]] std::string to_text(std::chrono::nanoseconds duration);
/// Of what is over in a moment: "19 µs", "1.4 ms", "230 ms"; from a second on as above.
[[nodiscard]] std::string latency_to_text(std::chrono::nanoseconds latency);

/// "16MiB", "512KiB", "1GiB", "4096" (bytes).
[[nodiscard]] std::optional<std::size_t> parse_size(std::string_view text);
/// "16 MiB", "1.5 KiB", "300 B".
[[nodiscard]] std::string size_to_text(std::size_t bytes);

/// "1 source", "3 sources".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view thing);

/// Local time with milliseconds: "2026-11-23 09:31:02.412".
[[nodiscard]] std::string to_text(std::chrono::system_clock::time_point time);
/// RFC 3339 in UTC with milliseconds, for machines: "2026-11-23T08:31:02.412Z".
[[nodiscard]] std::string to_rfc3339(std::chrono::system_clock::time_point time);

}  // namespace farewell::report
