// SPDX-License-Identifier: GPL-2.0-or-later
// What the messages about a transaction of nf_tables say of one table. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

struct nlmsghdr;  // NOLINT(readability-identifier-naming): the kernel's name

namespace farewell::nft {

/// A transaction that touched our table.
struct Change {
    std::uint32_t process = 0;  ///< its id in the initial namespace; 0: not told
    std::string program;        ///< at most 15 characters of its name; empty: not told
    bool is_own = false;        ///< that is this program's name: libnftables has sockets of its own
};

class ChangeReader {
 public:
    /// A table of family inet.
    explicit ChangeReader(std::string table);

    /// Takes the next message, in order. The transaction that it ends, if that one touched our table.
    [[nodiscard]] std::optional<Change> on_message(const nlmsghdr& message);
    /// Messages were lost: the transaction at hand may have touched our table.
    void on_loss() { is_touched_ = true; }

 private:
    std::string table_;
    bool is_touched_ = false;  // by the transaction whose end has not come yet
};

}  // namespace farewell::nft
