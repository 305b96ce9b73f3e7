// SPDX-License-Identifier: GPL-2.0-or-later
// The history as a whole: the file, and where it cannot be written, the latest events in memory until it can
// be. Synchronous; recorder.hpp gives it a thread.
//
// Use:      open(), record() what happened, retry() every few seconds while is_in_trouble().
// Threads:  one at a time.
// Says:     one line when the file cannot be used, one when it can again, one when it was set aside.
// Counts:   what was lost, because memory is bounded too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "history/query.hpp"
#include "history/record.hpp"
#include "history/store.hpp"

namespace farewell::history {

enum class Tone : std::uint8_t { info, warning };
/// Takes a line for the log.
using Tell = std::function<void(Tone, const std::string&)>;

class Archive {
 public:
    Archive(std::filesystem::path file, const Bounds& bounds, Tell tell)
        : file_(std::move(file)), bounds_(bounds), tell_(std::move(tell)) {}

    void open(WallTime now);
    /// Kept in the file, or in memory.
    void record(std::vector<Record> records);
    /// Tries the file again and writes what waits in memory.
    void retry(WallTime now);
    /// Forgets what has become too old. To be called now and then.
    void forget_old(WallTime now);
    void set_bounds(const Bounds& bounds, WallTime now);

    /// Why events are kept in memory alone; empty: they are not.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] bool is_in_trouble() const { return !trouble_.empty(); }
    [[nodiscard]] std::uint64_t count() const { return (store_ ? store_->count() : 0) + waiting_.size(); }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
    [[nodiscard]] std::size_t size() const { return store_ ? store_->size() : 0; }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }
    [[nodiscard]] const Bounds& bounds() const { return bounds_; }

    // As Store has them, of file and memory together. What cannot be read is left out.

    [[nodiscard]] std::vector<Record> events(const EventQuery& query);
    [[nodiscard]] std::vector<Offender> offenders(std::size_t max, WallTime since);
    [[nodiscard]] std::optional<Record> latest_ban(const core::Prefix& source);
    [[nodiscard]] EarlierBans earlier_bans(const core::Address& address, WallTime before);

    /// In memory, while the file cannot be written: some MiB.
    static constexpr std::size_t kWaitingMax = 1024;

 private:
    void open_store(WallTime now);
    void write_waiting(Store& store);
    void fail(const StoreError& error);
    /// The value, or what stands in for it after a failure that is dealt with here.
    template <typename Value>
    Value value_or_fail(std::expected<Value, StoreError> result);

    std::filesystem::path file_;
    Bounds bounds_;
    Tell tell_;
    std::optional<Store> store_;
    std::deque<Record> waiting_;  // not in the file yet; empty while all is well
    std::string trouble_;
    std::string corruption_;  // of the file that is to be set aside; empty: none is known
    std::uint64_t lost_ = 0;
};

}  // namespace farewell::history
