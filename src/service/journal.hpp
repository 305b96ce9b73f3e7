// SPDX-License-Identifier: GPL-2.0-or-later
// Entries for systemd's journal with fields of their own, by its native protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "service/local_datagrams.hpp"

namespace farewell::service {

/// One field of an entry: an upper-case name, and any text or bytes.
struct Field {
    std::string_view name;
    std::string value;
};

/// The bytes of one entry.
[[nodiscard]] std::string journal_entry(std::span<const Field> fields);

class Journal {
 public:
    static constexpr std::string_view kAddress = "/run/systemd/journal/socket";

    /// nullptr: stderr is not the journal's (JOURNAL_STREAM), or it cannot be reached. Before any thread.
    [[nodiscard]] static std::unique_ptr<Journal> of_stderr();
    explicit Journal(LocalDatagrams socket) : socket_(std::move(socket)) {}

    /// Any thread. Waits 50 ms for a slow journal, once. What it does not take is counted, and told with the
    /// next entry that it does.
    void send(std::span<const Field> fields);

 private:
    LocalDatagrams socket_;
    std::atomic<std::uint64_t> lost_{0};
};

}  // namespace farewell::service
