// SPDX-License-Identifier: GPL-2.0-or-later
// The history's file: one SQLite database, bounded in size and age. Synchronous; errors are values.
//
// Use:      open(), append() what happened, ask. After an error other than StoreFailure::full: destroy it.
// Threads:  one at a time.
// Cost:     an append is one transaction without waiting for the disk; now and then a checkpoint, which does.
// Survives: SIGKILL at any point with all that append() had returned for; a power cut without the last of it,
//           but never in pieces.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "core/address.hpp"
#include "history/database.hpp"
#include "history/query.hpp"
#include "history/record.hpp"

namespace farewell::history {

struct Bounds {
    std::size_t size = std::size_t{64} << 20;  ///< of the file and its log together
    std::chrono::nanoseconds age = std::chrono::hours(24 * 90);
};

class Store {
 public:
    /// Opens or makes the file, checks all of it, and forgets what is out of bounds.
    [[nodiscard]] static std::expected<Store, StoreError> open(const std::filesystem::path& path,
                                                               const Bounds& bounds, WallTime now);

    /// All of them or none.
    [[nodiscard]] std::expected<void, StoreError> append(std::span<const Record> records);
    /// Forgets the oldest while the file is too large. To be called after every append.
    [[nodiscard]] std::expected<void, StoreError> forget_surplus();
    /// Forgets what has become too old. To be called now and then.
    [[nodiscard]] std::expected<void, StoreError> forget_old(WallTime now);
    [[nodiscard]] std::expected<void, StoreError> set_bounds(const Bounds& bounds, WallTime now);

    /// The latest ones, oldest first.
    [[nodiscard]] std::expected<std::vector<Record>, StoreError> events(const EventQuery& query) const;
    /// Whoever was banned last comes first.
    [[nodiscard]] std::expected<std::vector<Offender>, StoreError> offenders(std::size_t max,
                                                                             WallTime since) const;
    /// Of exactly this source; bans that were only observed are not meant.
    [[nodiscard]] std::expected<std::optional<Record>, StoreError> latest_ban(
        const core::Prefix& source) const;
    [[nodiscard]] std::expected<EarlierBans, StoreError> earlier_bans(const core::Address& address,
                                                                      WallTime before) const;

    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// Bytes on the disk: the file and its log.
    [[nodiscard]] std::size_t size() const;

    /// Newer ones are left alone.
    static constexpr std::int64_t kVersion = 1;

 private:
    Store(std::filesystem::path path, Database database, Statement insert)
        : path_(std::move(path)), database_(std::move(database)), insert_(std::move(insert)) {}
    [[nodiscard]] std::expected<void, StoreError> insert(const Record& record);

    std::filesystem::path path_;
    Database database_;
    Statement insert_;
    Bounds bounds_;
    std::uint64_t count_ = 0;
};

/// Out of the way, for whoever wants to look at it; an earlier one makes room. Returns where it is now, or
/// why it cannot be moved.
[[nodiscard]] std::expected<std::filesystem::path, std::string> set_aside(const std::filesystem::path& path);

}  // namespace farewell::history
