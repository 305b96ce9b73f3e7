// SPDX-License-Identifier: MIT
// A netlink socket as its users see it: four calls that a test can stand in for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace farewell::netlink {

/// One datagram in the receive ring, valid until the next receive.
struct Datagram {
    std::span<const std::byte> bytes;
    bool truncated = false;  // it was larger than a slot of the ring
};

class Channel {
 public:
    Channel() = default;
    virtual ~Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// What is there now, as many as the ring holds, without waiting. Empty: nothing. Error: errno.
    virtual std::expected<std::span<const Datagram>, int> receive_now() = 0;
    /// The same, but waits for the first one; a signal or a wake() may end the wait with nothing.
    virtual std::expected<std::span<const Datagram>, int> receive() = 0;
    /// Waits until something can be received, at most `timeout`. Whether it can. Error: errno.
    virtual std::expected<bool, int> wait(std::chrono::milliseconds timeout) = 0;
    /// Lets more arrive: returns after that time, or earlier. For a receiver that would rather take several.
    virtual void pause(std::chrono::microseconds duration) = 0;
    /// Sends whole messages in one go, in as many parts as they come. 0 or errno. Any thread.
    virtual int send(std::span<const std::span<const std::byte>> parts) = 0;
    int send(std::span<const std::byte> messages) { return send(std::span(&messages, 1)); }

    [[nodiscard]] virtual int fd() const = 0;
    [[nodiscard]] virtual std::uint32_t portid() const = 0;
    /// What the kernel granted, as SO_RCVBUF tells it (twice what was asked for, socket(7)).
    [[nodiscard]] virtual std::size_t receive_buffer_bytes() const = 0;
};

}  // namespace farewell::netlink
