// SPDX-License-Identifier: GPL-2.0-or-later
#include "flood.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/keyed_mix.hpp"

namespace farewell::test {
namespace {

using core::keyed_mix;

/// The forged source of a number: any address, as `hping3 --rand-source` would choose it.
core::Subject forged(std::uint64_t number, std::uint64_t seed, core::Family family) {
    const std::array words{keyed_mix(number, seed), keyed_mix(number, ~seed)};
    std::array<std::byte, 16> bytes{};
    std::memcpy(bytes.data(), words.data(), sizeof bytes);
    if (family == core::Family::ipv4) {
        return {.who = {.address = core::Address::ipv4(std::span(bytes).first<4>()), .length = 32}};
    }
    return {.who = {.address = core::Address::ipv6(bytes), .length = 128}};
}

/// Everything that happens, in order of time.
class World {
 public:
    World(const Flood& flood, std::uint64_t seed)
        : flood_(flood),
          seed_(seed),
          table_({.memory_bytes = flood.memory_bytes, .hash_key = keyed_mix(1, seed)}),
          scanner_(forged(0, ~seed, flood.family)) {
        // Long enough to fill every record and for the bar to settle.
        const double records = static_cast<double>(table_.capacity());
        scanner_starts_ = 3 + 1.5 * records / flood.sources_per_second + static_cast<double>(seed % 97) / 97;
    }

    FloodOutcome run() {
        for (std::uint64_t number = 0; !outcome_.probes && scanned_ < flood_.probes_max; ++number) {
            const double seconds = static_cast<double>(number) / flood_.sources_per_second;
            now_ = core::Time(std::chrono::nanoseconds(std::llround(seconds * 1e9)));
            if (seconds >= scanner_starts_ + scanned_ / flood_.scanner_per_second) {
                scan();
            }
            for (std::uint32_t port = 0; port < flood_.ports; ++port) {
                flood_one(number, port);
            }
        }
        outcome_.degraded = table_.degraded(now_);
        outcome_.patience = table_.patience(now_);
        return outcome_;
    }

 private:
    void scan() {
        ++scanned_;
        const auto seen = table_.on_probe(scanner_, {.what = port_of(0, scanned_)}, now_);
        outcome_.most = std::max(outcome_.most, seen.tracked ? seen.distinct : 0);
        if (seen.distinct >= flood_.threshold) {
            outcome_.probes = scanned_;
        }
        table_.forget_expired(now_);
    }

    /// Of the source that began so long ago that its turn for this port is now.
    void flood_one(std::uint64_t number, std::uint32_t port) {
        const double ago = port == 0 ? 0 : flood_.spread_seconds * port / (flood_.ports - 1);
        const auto earlier = static_cast<std::uint64_t>(ago * flood_.sources_per_second);
        if (number >= earlier) {
            const std::uint64_t who = number - earlier + 1;
            const core::Subject source = forged(who, seed_, flood_.family);
            if (table_.on_probe(source, {.what = port_of(who, port)}, now_).distinct >= flood_.threshold) {
                table_.take(source, now_);  // as the engine does with whom it bans
            }
            ++outcome_.probes_of_flood;
        }
    }

    [[nodiscard]] std::uint32_t port_of(std::uint64_t who, std::uint32_t index) const {
        const auto first = static_cast<std::uint32_t>(keyed_mix(who, seed_ + 7));
        return 6U << 16U | ((first + index * 257) & 0xffffU);
    }

    Flood flood_;
    std::uint64_t seed_;
    core::SourceTable table_;
    core::Subject scanner_;
    double scanner_starts_ = 0;
    std::uint32_t scanned_ = 0;
    core::Time now_{};
    FloodOutcome outcome_;
};

}  // namespace

FloodOutcome run(const Flood& flood, std::uint64_t seed) {
    return World(flood, seed).run();
}

}  // namespace farewell::test
