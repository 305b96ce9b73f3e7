// SPDX-License-Identifier: GPL-2.0-or-later
// What a report page tells: plain values, gathered from captures or from the daemon's history, rendered by
// render.hpp. What is not known is absent, never zero.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace farewell::page {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

/// Together they bound a page to about 5 MB.
inline constexpr std::size_t kRowsMax = 1000;           ///< sources with a row in the table
inline constexpr std::size_t kListedMax = 64;           ///< tried ports told of one ban
inline constexpr std::size_t kListedInAllMax = 30'000;  ///< tried ports told of all bans
inline constexpr std::size_t kBansListedMax = 4;        ///< bans told of one source, the latest
inline constexpr std::size_t kMarksMax = 5'000;         ///< bans marked on the raster
inline constexpr std::size_t kPointsMax = 50'000;       ///< dots on the raster
inline constexpr std::size_t kTopMax = 20;              ///< lines of the lists of tools, networks and ports
inline constexpr std::size_t kInputsMax = 50;           ///< files that are named
inline constexpr std::size_t kNotesMax = 100;           ///< remarks

/// One closed port that a source tried.
struct TriedPort {
    std::string port;  ///< "tcp/22"
    WallTime seen;     ///< when it was last tried
    std::string kind;  ///< the rule that made it a probe; empty: a network's, whose addresses may differ
    std::optional<double> points;
};

/// What is held against a source: why it was banned, or what there is so far.
struct Evidence {
    std::string criterion;
    std::vector<TriedPort> ports;  ///< may be fewer than distinct
    std::uint64_t distinct = 0;
    double points = 0;
    std::vector<std::string> tools;
    bool could_be_forged = true;
    std::optional<std::uint64_t> ttl;
    std::vector<std::string> companions;
};

struct Ban {
    WallTime at;
    WallTime until;  ///< its end, as planned or as it came
    bool soft = false;
    bool observed = false;                  ///< in observe mode: nobody was kept out
    std::string reason;                     ///< "port_scan", "by_operator", …
    std::string note{};                     ///< of whom ordered it, in his own words
    std::string ended;                      ///< why it ended before its time; empty if it did not
    std::optional<std::uint64_t> kept_out;  ///< packets, as far as is known
    std::optional<Evidence> evidence;       ///< absent of bans by hand, and where it was not kept
};

struct Source {
    std::string name;  ///< an address, or a network that was banned as one
    std::optional<WallTime> first;
    std::optional<WallTime> last;
    std::optional<std::uint64_t> probes;
    std::optional<std::uint64_t> kept_out;
    std::uint64_t bans_total = 0;
    std::vector<Ban> bans;             ///< the latest kBansListedMax at most, in order of time
    std::optional<Evidence> evidence;  ///< of one never banned
};

/// One dot of the raster.
struct Point {
    WallTime at;
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
    bool kept_out = false;
    std::uint32_t source = 0;  ///< index in Document::names
};

/// One mark of the raster.
struct Mark {
    WallTime at;
    bool soft = false;
    std::uint32_t source = 0;  ///< index in Document::names
};

/// One line of the lists of tools, networks and ports.
struct Tally {
    std::string name;
    std::optional<std::uint64_t> sources;
    std::optional<std::uint64_t> banned;
    std::optional<std::uint64_t> probes;  ///< of a port: also those that a ban kept out
};

/// Everything on one grid of time.
struct Timeline {
    WallTime begin;  ///< of the first cell
    std::chrono::milliseconds width{1000};
    std::vector<std::uint64_t> probes;    ///< of each cell
    std::vector<std::uint64_t> kept_out;  ///< packets of banned sources; empty if not known
    std::vector<std::uint64_t> active;    ///< bans in force, the most within the cell
};

enum class Origin : std::uint8_t { captures, history };

struct Remark {
    WallTime at;
    std::string text;
};

struct Document {
    Origin origin = Origin::captures;
    std::vector<std::string> inputs;  ///< the files judged
    std::uint64_t inputs_total = 0;
    WallTime made;
    std::string version;                 ///< of farewell
    std::chrono::minutes utc_offset{0};  ///< of the clock that the page shows

    std::optional<WallTime> begin;  ///< absent: nothing was found that has a time
    std::optional<WallTime> end;
    std::optional<std::uint64_t> probes;    ///< of everybody, banned or not
    std::optional<std::uint64_t> kept_out;  ///< packets
    std::optional<std::uint64_t> sources_seen;
    std::uint64_t sources_banned = 0;
    std::uint64_t bans = 0;
    std::uint64_t soft_bans = 0;

    std::vector<Source> sources;  ///< those banned first, the busiest first
    std::uint64_t sources_left_out = 0;
    std::vector<std::string> names;  ///< sources begin it, in their order
    std::vector<Point> points;       ///< in order of time
    std::uint64_t points_total = 0;
    std::vector<Mark> marks;
    Timeline timeline;
    std::vector<Tally> tools;
    std::vector<Tally> networks;
    std::vector<Tally> ports;
    std::vector<Remark> remarks;     ///< repairs and the like
    std::vector<std::string> notes;  ///< what the page cannot know, or leaves out
};

}  // namespace farewell::page
