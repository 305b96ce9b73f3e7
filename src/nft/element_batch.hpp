// SPDX-License-Identifier: GPL-2.0-or-later
// Transactions on the elements of sets, as the bytes nf_tables takes: built by libnftnl, sent by somebody
// else. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace farewell::nft {

/// One element of a set of addresses.
struct Element {
    std::array<std::byte, 16> key{};
    std::uint8_t key_bytes = 4;            // 4 or 16
    std::chrono::milliseconds timeout{0};  // 0: none given
};

/// A set within a table of the inet family.
struct SetName {
    std::string table;
    std::string set;
};

/// One transaction: all of it happens or nothing. The last message asks for an acknowledgement.
class ElementBatch {
 public:
    /// Numbers its messages upwards from here.
    explicit ElementBatch(std::uint32_t first_sequence);

    enum class IfThere : std::uint8_t { fail, keep };
    /// `nft add element` (keep) or `nft create element` (fail).
    void add(const SetName& name, std::span<const Element> elements, IfThere if_there);
    /// `nft delete element`; an element that is not there fails the transaction.
    void remove(const SetName& name, std::span<const Element> elements);
    /// `nft flush set`.
    void flush(const SetName& name);
    /// `nft delete table inet NAME`.
    void remove_table(const std::string& table);

    /// Ends the transaction. Nothing may be added after it.
    [[nodiscard]] std::span<const std::byte> finish();
    [[nodiscard]] std::uint32_t first_sequence() const { return first_sequence_; }
    /// Of the message whose acknowledgement means: committed.
    [[nodiscard]] std::uint32_t last_sequence() const { return next_sequence_ - 2; }

    static constexpr std::size_t kElementsPerMessage =
        1000;  // below the 64 KiB that a nested attribute can hold

 private:
    void append(std::uint16_t type, std::uint16_t flags, const SetName& name,
                std::span<const Element> elements);
    std::byte* room(std::size_t bytes);
    void took(const std::byte* message);
    void ask_for_acknowledgement();

    std::uint32_t first_sequence_;
    std::uint32_t next_sequence_;
    std::vector<std::byte> bytes_;  // used up to length_, grown ahead of what libnftnl writes
    std::size_t length_ = 0;
    std::size_t last_message_ = 0;
};

}  // namespace farewell::nft
