// SPDX-License-Identifier: GPL-2.0-or-later
// Hears of every change to one nftables table that somebody else makes, and of whom.
//
// Use:     open(), then read() whenever fd() is readable.
// Threads: one, and another that closes and opens the ears.
// Cost:    for each change that anybody makes the kernel writes messages as long as anybody listens, two to
//          three microseconds a ban. A filter in the kernel keeps those of our own transactions from being
//          delivered.
// Needs:   CAP_NET_ADMIN to open.
// Source:  net/netfilter/nf_tables_api.c: nf_tables_commit tells the group NFNLGRP_NFTABLES of each change of
//          a transaction, and then of the new generation and the process that made it. Elements whose timeout
//          is over go without a word.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "nft/change_messages.hpp"

namespace farewell::nft {

class ChangeWatch {
 public:
    /// `own_port`: of the netlink socket whose transactions are not news (Transport::port). The error is an
    /// errno.
    [[nodiscard]] static std::expected<ChangeWatch, int> open(std::string table, std::uint32_t own_port);
    ~ChangeWatch();
    ChangeWatch(ChangeWatch&&) noexcept;
    ChangeWatch& operator=(ChangeWatch&&) noexcept;

    [[nodiscard]] int fd() const;
    /// Takes in what has come, without waiting. The last change to our table since the call before, if there
    /// was one, or if messages were lost and there may have been; our own only if there was no other.
    [[nodiscard]] std::optional<Change> read();

    /// Hears nothing until open_ears(), and costs nothing: for many changes of our own. Any thread, as the
    /// two below.
    void close_ears();
    /// The error is an errno.
    [[nodiscard]] std::expected<void, int> open_ears();
    /// Somebody else may have changed something meanwhile: read() tells of a change of nobody knows whom.
    void on_missed();

 private:
    struct State;
    explicit ChangeWatch(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace farewell::nft
