// SPDX-License-Identifier: GPL-2.0-or-later
// When the kernel of another namespace tells of bans: elements whose key is an IPv4 address, or rules that
// compare with one.
#pragma once

#include <libmnl/libmnl.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

struct nftnl_set_elem;
struct nftnl_expr;

namespace farewell::bench {

using Clock = std::chrono::steady_clock;

/// Changes of nf_tables in that namespace, by its path.
[[nodiscard]] mnl_socket* listen_in(const char* netns);

/// Reads in a thread of its own from when it is made.
class Arrivals {
 public:
    /// Of so many addresses from `first` on. The socket stays the caller's.
    Arrivals(mnl_socket* socket, std::uint32_t first, std::size_t sources);
    Arrivals(const Arrivals&) = delete;
    Arrivals& operator=(const Arrivals&) = delete;
    ~Arrivals() { stop(); }

    /// Whether that one has been told of. From any thread.
    [[nodiscard]] bool has(std::size_t number) const {
        return at_[number].load(std::memory_order_acquire) != Clock::rep{};
    }
    /// Until all have come, or for so long; when each came, the default for who did not. Nothing is read any
    /// more.
    [[nodiscard]] std::vector<Clock::time_point> wait(Clock::duration limit);

 private:
    void run();
    void stop();
    void on_message(const nlmsghdr& message);
    static int on_element(nftnl_set_elem* element, void* data);
    static int on_expression(nftnl_expr* expression, void* data);
    void on_key(const void* key, std::uint32_t length);

    mnl_socket* socket_;
    std::uint32_t first_;
    std::vector<std::atomic<Clock::rep>> at_;
    Clock::time_point now_;
    std::atomic<std::size_t> seen_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace farewell::bench
