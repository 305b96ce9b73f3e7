// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <utility>

#include "core/bannable.hpp"

namespace farewell::history {
namespace {

constexpr std::int64_t kPageBytes = 4096;
constexpr std::int64_t kApplicationId = 0x66617265;  // "fare": file(1) and we know it by that

/// Where a source lies among the rows: bytes in network order, so that a prefix is a range of them.
constexpr const char* kSchema = R"(
CREATE TABLE events(
  id INTEGER PRIMARY KEY,    -- in the order of arrival
  at INTEGER NOT NULL,       -- milliseconds since 1970, UTC
  kind TEXT NOT NULL,        -- ban, imported, unban, repair, budget_spent, bans_resumed
  family INTEGER,            -- 4 or 6; NULL like the two next where no source is meant
  address BLOB,              -- 4 or 16 bytes
  length INTEGER,            -- of the prefix
  reason TEXT NOT NULL,      -- of a ban or unban
  soft INTEGER NOT NULL,     -- a ban on doubtful evidence
  observed INTEGER NOT NULL, -- observe mode: nobody was kept out
  until INTEGER,             -- of a ban: its end as planned, as `at`
  detail TEXT NOT NULL       -- a JSON object
);
CREATE INDEX events_by_source ON events(family, address, length) WHERE family IS NOT NULL;
CREATE INDEX events_by_time ON events(at);
)";

constexpr const char* kColumns =
    "id, at, kind, family, address, length, reason, soft, observed, until, detail";

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

WallTime wall_time(std::int64_t count) {
    return WallTime(std::chrono::milliseconds(count));
}

std::int64_t family_number(core::Family family) {
    return family == core::Family::ipv4 ? 4 : 6;
}

std::optional<core::Prefix> prefix_of(const Statement& row, int family, int address, int length) {
    const auto bytes = row.bytes(address);
    if (row.number(family) == 4 && bytes.size() == 4) {
        return core::Prefix{.address = core::Address::ipv4(bytes.first<4>()),
                            .length = static_cast<std::uint8_t>(row.number(length))};
    }
    if (row.number(family) == 6 && bytes.size() == 16) {
        return core::Prefix{.address = core::Address::ipv6(bytes.first<16>()),
                            .length = static_cast<std::uint8_t>(row.number(length))};
    }
    return std::nullopt;
}

/// Of a row of kColumns; nullopt for a kind of event that a later farewell wrote.
std::optional<Record> record_of_row(const Statement& row) {
    const auto kind = event_kind_of(row.text(2));
    if (!kind) {
        return std::nullopt;
    }
    Record record;
    record.id = row.number(0);
    record.at = wall_time(row.number(1));
    record.kind = *kind;
    record.source = prefix_of(row, 3, 4, 5);
    record.reason = row.text(6);
    record.soft = row.number(7) != 0;
    record.observed = row.number(8) != 0;
    if (!row.is_null(9)) {
        record.until = wall_time(row.number(9));
    }
    record.detail = row.text(10);
    return record;
}

/// The last address of a prefix: all other bits set.
std::array<std::byte, 16> last_bytes(const core::Prefix& prefix) {
    std::array<std::byte, 16> last{};
    const auto first = prefix.address.bytes();
    for (std::size_t i = 0; i < first.size(); ++i) {
        const std::size_t fixed =
            std::min<std::size_t>(8, prefix.length - std::min<std::size_t>(prefix.length, i * 8));
        last.at(i) = first[i] | static_cast<std::byte>(0xffU >> fixed);
    }
    return last;
}

StoreError foreign(const std::filesystem::path& path, std::string_view what) {
    return {.failure = StoreFailure::foreign, .message = fmt::format("{}: {}", path.string(), what)};
}

/// Before the first look into the file, and in this order.
constexpr const char* kHowToWork =
    // One owner, who needs no shared memory beside the file (on a full disk that is one more thing to fail),
    // and whose log no reader from outside can keep from being emptied.
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA page_size = 4096;"
    "PRAGMA auto_vacuum = INCREMENTAL;"  // lets the file shrink when history.size does
    "PRAGMA journal_mode = WAL;"
    // A commit is a write to the log, without fsync: a killed process loses nothing, as the kernel has it.
    // After a power cut the last commits may be gone, but the file is whole: checkpoints sync the log before
    // the file, and the file before the log is reused.
    "PRAGMA synchronous = NORMAL;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -1024;";  // KiB

std::expected<void, StoreError> check(const Database& database, const std::filesystem::path& path) {
    auto statement = database.prepare("PRAGMA quick_check(1)");
    if (!statement) {
        return std::unexpected(statement.error());
    }
    const auto row = statement->step();
    if (!row) {
        return std::unexpected(row.error());
    }
    if (*row && statement->text(0) != "ok") {
        return std::unexpected(
            StoreError{.failure = StoreFailure::corrupt,
                       .message = fmt::format("{}: {}", path.string(), statement->text(0))});
    }
    return {};
}

/// Makes the tables of a new file; refuses what is not ours.
std::expected<void, StoreError> migrate(Database& database, const std::filesystem::path& path) {
    const auto version = database.number("PRAGMA user_version");
    const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
    const auto application = database.number("PRAGMA application_id");
    if (!version || !tables || !application) {
        return std::unexpected(!version ? version.error() : !tables ? tables.error() : application.error());
    }
    if (*version > Store::kVersion && *application == kApplicationId) {
        return std::unexpected(
            foreign(path, fmt::format("written by a newer farewell (schema {}, this one knows {})", *version,
                                      Store::kVersion)));
    }
    if (*version == Store::kVersion && *application == kApplicationId) {
        return {};
    }
    if (*version != 0 || *tables != 0) {
        return std::unexpected(foreign(path, "the database of another program"));
    }
    return database.run(
        fmt::format("BEGIN IMMEDIATE; {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                    kSchema, kApplicationId, Store::kVersion));
}

}  // namespace

std::expected<Store, StoreError> Store::open(const std::filesystem::path& path, const Bounds& bounds,
                                             WallTime now) {
    auto database = Database::open(path);
    if (!database) {
        return std::unexpected(database.error());
    }
    if (auto works = database->run(kHowToWork); !works) {
        return std::unexpected(works.error());
    }
    if (auto migrated = migrate(*database, path); !migrated) {
        return std::unexpected(migrated.error());
    }
    if (auto checked = check(*database, path); !checked) {
        return std::unexpected(checked.error());
    }
    auto insert = database->prepare(
        "INSERT INTO events(at, kind, family, address, length, reason, soft, observed, until, detail)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    const auto count = database->number("SELECT count(*) FROM events");
    if (!insert || !count) {
        return std::unexpected(!insert ? insert.error() : count.error());
    }
    Store store(path, std::move(*database), std::move(*insert));
    store.count_ = static_cast<std::uint64_t>(*count);
    if (auto bounded = store.set_bounds(bounds, now);
        !bounded && bounded.error().failure != StoreFailure::full) {
        return std::unexpected(bounded.error());  // on a full disk it can still be read
    }
    return store;
}

std::expected<void, StoreError> Store::set_bounds(const Bounds& bounds, WallTime now) {
    bounds_ = bounds;
    // The log is written before it is emptied into the file: three quarters of the room are the file's, a
    // sixteenth is what the log holds when it is emptied, the rest is for the transaction that makes it so.
    const auto log_pages =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(bounds.size) / 16 / kPageBytes, 8, 1000);
    if (auto set = database_.run(fmt::format("PRAGMA wal_autocheckpoint = {}; PRAGMA journal_size_limit = {}",
                                             log_pages, log_pages * kPageBytes));
        !set) {
        return set;
    }
    if (auto forgotten = forget_old(now); !forgotten) {
        return forgotten;
    }
    return forget_surplus();
}

std::expected<void, StoreError> Store::insert(const Record& record) {
    insert_.bind(1, milliseconds(record.at)).bind(2, name_of(record.kind));
    if (record.source) {
        insert_.bind(3, family_number(record.source->address.family()))
            .bind(4, record.source->address.bytes())
            .bind(5, std::int64_t{record.source->length});
    } else {
        insert_.bind_null(3).bind_null(4).bind_null(5);
    }
    insert_.bind(6, std::string_view(record.reason))
        .bind(7, std::int64_t{record.soft})
        .bind(8, std::int64_t{record.observed});
    if (record.until) {
        insert_.bind(9, milliseconds(*record.until));
    } else {
        insert_.bind_null(9);
    }
    insert_.bind(10, std::string_view(record.detail));
    if (const auto done = insert_.step(); !done) {
        return std::unexpected(done.error());
    }
    return {};
}

std::expected<void, StoreError> Store::append(std::span<const Record> records) {
    auto written = database_.run("BEGIN IMMEDIATE");
    for (std::size_t i = 0; written && i < records.size(); ++i) {
        written = insert(records[i]);
    }
    if (written) {
        written = database_.run("COMMIT");
    }
    if (!written) {
        // SQLite may have rolled back by itself already; then this fails, and nothing is left to do.
        [[maybe_unused]] const auto rolled_back = database_.run("ROLLBACK");
        return written;
    }
    count_ += records.size();
    return {};
}

std::expected<void, StoreError> Store::forget_old(WallTime now) {
    constexpr std::int64_t kAtOnce = 4096;  // a transaction that the log has room for
    const auto oldest = now - std::chrono::floor<std::chrono::milliseconds>(bounds_.age);
    std::int64_t forgotten = kAtOnce;
    while (forgotten == kAtOnce) {
        if (auto deleted = database_.run(
                fmt::format("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < {} LIMIT {})",
                            milliseconds(oldest), kAtOnce));
            !deleted) {
            return deleted;
        }
        forgotten = database_.changes();
        count_ -= std::min<std::uint64_t>(count_, static_cast<std::uint64_t>(forgotten));
    }
    return {};
}

std::expected<void, StoreError> Store::forget_surplus() {
    const std::int64_t pages_max = static_cast<std::int64_t>(bounds_.size) / 4 * 3 / kPageBytes;
    while (true) {
        const auto pages = database_.number("PRAGMA page_count");
        const auto free = database_.number("PRAGMA freelist_count");
        if (!pages || !free) {
            return std::unexpected(!pages ? pages.error() : free.error());
        }
        if (*pages - *free <= pages_max || count_ == 0) {
            return *pages <= pages_max
                       ? std::expected<void, StoreError>()
                       : database_.run(fmt::format("PRAGMA incremental_vacuum({})", *pages - pages_max));
        }
        // A 64th at a time: seldom, and never a transaction that the log has no room for.
        if (auto deleted = database_.run(
                fmt::format("DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT {})",
                            count_ / 64 + 1));
            !deleted) {
            return deleted;
        }
        count_ -= std::min<std::uint64_t>(count_, static_cast<std::uint64_t>(database_.changes()));
    }
}

std::expected<std::vector<Record>, StoreError> Store::events(const EventQuery& query) const {
    std::string where = fmt::format("at >= ?1 AND kind IN ('{}')", fmt::join(kEventKinds, "', '"));
    if (query.before) {
        where += fmt::format(" AND id < {}", *query.before);
    }
    std::array<std::byte, 16> last{};
    std::vector<core::Prefix> wider;
    if (query.source) {
        where += " AND (family = ?3 AND address BETWEEN ?4 AND ?5 AND length >= ?6";
        last = last_bytes(*query.source);
        for (std::uint8_t length = core::widest_ban(query.source->address.family());
             length < query.source->length; ++length) {
            where +=
                fmt::format(" OR family = ?3 AND address = ?{} AND length = {}", 7 + wider.size(), length);
            wider.push_back(core::Prefix::of(query.source->address, length));
        }
        where += ")";
    }
    auto statement = database_.prepare(
        fmt::format("SELECT {} FROM events WHERE {} ORDER BY id DESC LIMIT ?2", kColumns, where));
    if (!statement) {
        return std::unexpected(statement.error());
    }
    statement->bind(1, query.since ? milliseconds(*query.since) : INT64_MIN)
        .bind(2, static_cast<std::int64_t>(std::min<std::size_t>(query.max, INT64_MAX)));
    if (query.source) {
        const auto first = query.source->address.bytes();
        statement->bind(3, family_number(query.source->address.family()))
            .bind(4, first)
            .bind(5, std::span<const std::byte>(last).first(first.size()))
            .bind(6, std::int64_t{query.source->length});
        for (std::size_t i = 0; i < wider.size(); ++i) {
            statement->bind(static_cast<int>(7 + i), wider[i].address.bytes());
        }
    }
    std::vector<Record> records;
    auto row = statement->step();
    for (; row && *row; row = statement->step()) {
        if (auto record = record_of_row(*statement)) {
            records.push_back(std::move(*record));
        }
    }
    if (!row) {
        return std::unexpected(row.error());
    }
    std::ranges::reverse(records);
    return records;
}

std::expected<std::vector<Offender>, StoreError> Store::offenders(std::size_t max, WallTime since) const {
    auto statement = database_.prepare(
        "SELECT family, address, length, sum(soft = 0), sum(soft != 0), max(at) FROM events"
        " WHERE kind = 'ban' AND reason != ?1 AND observed = 0 AND family IS NOT NULL AND at >= ?2"
        " GROUP BY family, address, length ORDER BY max(at) DESC LIMIT ?3");
    if (!statement) {
        return std::unexpected(statement.error());
    }
    statement->bind(1, core::name_of(core::BanReason::by_operator))
        .bind(2, milliseconds(since))
        .bind(3, static_cast<std::int64_t>(std::min<std::size_t>(max, INT64_MAX)));
    std::vector<Offender> offenders;
    auto row = statement->step();
    for (; row && *row; row = statement->step()) {
        if (const auto source = prefix_of(*statement, 0, 1, 2)) {
            offenders.push_back({.source = *source,
                                 .bans = static_cast<std::uint32_t>(statement->number(3)),
                                 .soft_bans = static_cast<std::uint32_t>(statement->number(4)),
                                 .last_ban = wall_time(statement->number(5))});
        }
    }
    if (!row) {
        return std::unexpected(row.error());
    }
    return offenders;
}

std::expected<std::optional<Record>, StoreError> Store::latest_ban(const core::Prefix& source) const {
    auto statement = database_.prepare(
        fmt::format("SELECT {} FROM events WHERE family = ?1 AND address = ?2 AND length = ?3"
                    " AND kind = 'ban' AND observed = 0 ORDER BY id DESC LIMIT 1",
                    kColumns));
    if (!statement) {
        return std::unexpected(statement.error());
    }
    const auto row = statement->bind(1, family_number(source.address.family()))
                         .bind(2, source.address.bytes())
                         .bind(3, std::int64_t{source.length})
                         .step();
    if (!row) {
        return std::unexpected(row.error());
    }
    return *row ? record_of_row(*statement) : std::nullopt;
}

std::expected<EarlierBans, StoreError> Store::earlier_bans(const core::Address& address,
                                                           WallTime before) const {
    EarlierBans earlier;
    for (std::uint8_t length = core::full_length(address.family());
         core::is_ban_length(address.family(), length); --length) {
        auto statement = database_.prepare(fmt::format(
            "SELECT {}, count(*) OVER () FROM events WHERE family = ?1 AND address = ?2 AND length = ?3"
            " AND kind = 'ban' AND observed = 0 AND at < ?4 ORDER BY id DESC LIMIT 1",
            kColumns));
        if (!statement) {
            return std::unexpected(statement.error());
        }
        const core::Prefix source = core::Prefix::of(address, length);
        const auto row = statement->bind(1, family_number(address.family()))
                             .bind(2, source.address.bytes())
                             .bind(3, std::int64_t{length})
                             .bind(4, milliseconds(before))
                             .step();
        if (!row) {
            return std::unexpected(row.error());
        }
        if (*row) {
            earlier.count += static_cast<std::uint64_t>(statement->number(11));
            auto record = record_of_row(*statement);
            if (record && (!earlier.last || earlier.last->id < record->id)) {
                earlier.last = std::move(record);
            }
        }
    }
    return earlier;
}

std::size_t Store::size() const {
    std::size_t bytes = 0;
    for (const char* suffix : {"", "-wal"}) {
        std::error_code missing;
        const auto size = std::filesystem::file_size(path_.string() + suffix, missing);
        bytes += missing ? 0 : size;
    }
    return bytes;
}

std::expected<std::filesystem::path, std::string> set_aside(const std::filesystem::path& path) {
    std::filesystem::path aside = path.string() + ".corrupt";
    // The log first: one that is left behind would be taken for the fresh file's.
    for (const char* suffix : {"-wal", ""}) {
        std::error_code error;
        const std::string from = path.string() + suffix;
        std::filesystem::rename(from, aside.string() + suffix, error);
        if (error && error != std::errc::no_such_file_or_directory) {
            return std::unexpected(
                fmt::format("rename {} to {}{}: {}", from, aside.string(), suffix, error.message()));
        }
    }
    return aside;
}

}  // namespace farewell::history
