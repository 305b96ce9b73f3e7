// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes to nf_tables and its answers back: the edge that a test can stand in for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>

struct nlmsghdr;  // NOLINT(readability-identifier-naming): the kernel's name

namespace farewell::nft {

class Transport {
 public:
    Transport() = default;
    virtual ~Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    /// Sends one transaction and waits for its outcome. 0 once it is committed, or the first errno that kept
    /// it from being; ETIMEDOUT if no answer came. Answers to earlier requests are passed over.
    virtual int commit(std::span<const std::byte> batch, std::uint32_t first_sequence,
                       std::uint32_t last_sequence) = 0;

    /// Sends one request and gives every message of its answer to `on_message`. 0 or errno; EINTR if what was
    /// dumped changed meanwhile and must be asked for again.
    virtual int query(std::span<const std::byte> request, std::uint32_t sequence,
                      const std::function<void(const nlmsghdr&)>& on_message) = 0;

    /// Runs nftables text as one transaction, by libnftables. The error is what it says, in one line.
    virtual std::expected<void, std::string> run(const std::string& text) = 0;

    /// By which others know the socket: its netlink port. 0 if there is none.
    [[nodiscard]] virtual std::uint32_t port() const { return 0; }
};

/// A socket of the calling thread's network namespace. The error is an errno.
[[nodiscard]] std::expected<std::unique_ptr<Transport>, int> open_transport();

}  // namespace farewell::nft
