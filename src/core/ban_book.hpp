// SPDX-License-Identifier: GPL-2.0-or-later
// Every wanted ban, what is known of it, and when something is due for it: its end, or the next try. Bans may
// lie within one another; each has its own end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/action.hpp"
#include "core/address.hpp"
#include "core/evidence.hpp"
#include "core/prefix_map.hpp"
#include "core/time.hpp"

namespace farewell::core {

/// Where a wanted ban stands with the kernel.
enum class BanState : std::uint8_t {
    pending,   ///< handed out as an action, no outcome yet
    enforced,  ///< acknowledged by the enforcer
    failed,    ///< refused; it will be handed out again
};
[[nodiscard]] std::string_view name_of(BanState state);

/// One wanted ban with all that is known of it.
struct BanRecord {
    Ban ban;
    BanState state = BanState::pending;
    Time since;                      ///< when it was decided
    Time answered;                   ///< when the last outcome came
    bool announced = false;          ///< it was enforced at least once
    std::uint32_t failures = 0;      ///< refusals in a row
    std::uint64_t probes_after = 0;  ///< probes of the source seen after the decision
    Evidence evidence;               ///< of an operator's ban: what the source had tried by then
    std::string note;                ///< the operator's own words; mostly empty
};

class BanBook {
 public:
    explicit BanBook(std::uint64_t hash_key) : entries_(KeyedHash{.key = hash_key}) {}

    /// Adds or replaces; due at its end.
    BanRecord& put(BanRecord record);
    [[nodiscard]] BanRecord* find(const Prefix& source);
    [[nodiscard]] const BanRecord* find(const Prefix& source) const;
    /// The lengths that there are bans of, the narrowest first.
    [[nodiscard]] std::span<const std::uint8_t> lengths(Family family) const {
        return lengths_.at(static_cast<std::size_t>(family));
    }
    /// The ban of exactly the `length`-network around an address.
    [[nodiscard]] BanRecord* find_around(const Address& address, std::uint8_t length);
    [[nodiscard]] const BanRecord* find_around(const Address& address, std::uint8_t length) const;
    bool remove(const Prefix& source);

    /// Moves what is due for a source; it must be in the book. The end of the ban is always due.
    void set_due(const BanRecord& record, Time due);
    /// The earliest due record at or before `now`; nullptr if none.
    [[nodiscard]] BanRecord* due(Time now);
    [[nodiscard]] std::optional<Time> next_due() const;

    /// At most `each` of those due first, then as many of those due last; none twice.
    [[nodiscard]] std::vector<const BanRecord*> outermost(std::size_t each) const;

    [[nodiscard]] std::size_t size() const { return schedule_.size(); }
    [[nodiscard]] std::size_t size(Family family) const;
    template <typename Visit>
    void for_each(Visit&& visit) const {
        entries_.for_each([&](const std::unique_ptr<Entry>& entry) { visit(std::as_const(entry->record)); });
    }

 private:
    struct Entry {
        BanRecord record;
        Time due;
    };
    [[nodiscard]] Entry* entry_of(const Prefix& source) const;
    void count(const Prefix& source, bool is_added);

    PrefixMap<std::unique_ptr<Entry>> entries_;
    std::set<std::pair<Time, Prefix>> schedule_;               // exactly one for each entry
    std::array<std::array<std::size_t, 129>, 2> by_length_{};  // entries of each family and length
    std::array<std::vector<std::uint8_t>, 2> lengths_;         // those that are not 0
};

}  // namespace farewell::core
