// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's connection tracking, asked and told by ctnetlink.
//
// Use:     open(), then as a FlowTable. Needs CAP_NET_ADMIN, at every call.
// Threads: one at a time.
// Cost:    with 200,000 entries a walk takes 0.1 s where the kernel leaves out what is not asked for, as
//          it can since 5.8, and 0.6 s where it hands over everything, as for several sources to cut.
//          More than five seconds are an error.
// Logs:    nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <utility>

#include "conntrack/flow_messages.hpp"
#include "conntrack/flow_table.hpp"
#include "netlink/channel.hpp"

namespace farewell::conntrack {

class Conntrack final : public FlowTable {
 public:
    /// Of the calling thread's network namespace.
    [[nodiscard]] static std::expected<std::unique_ptr<FlowTable>, Error> open();
    explicit Conntrack(std::unique_ptr<netlink::Channel> channel) : channel_(std::move(channel)) {}

    [[nodiscard]] std::expected<std::vector<core::Address>, Error> proven(
        std::span<const core::Address> sources) override;
    [[nodiscard]] std::expected<std::size_t, Error> remove_flows(
        std::span<const core::Prefix> sources) override;

 private:
    using OnFlow = std::function<void(Flow&&)>;
    [[nodiscard]] std::expected<void, Error> walk(Filter filter, const OnFlow& on_flow);
    [[nodiscard]] int dump_once(const Filter& filter, const OnFlow& on_flow);
    [[nodiscard]] std::expected<std::size_t, Error> remove(std::span<const Flow> flows);
    [[nodiscard]] std::expected<std::vector<int>, int> send_removals(std::span<const std::byte> removals,
                                                                     std::uint32_t first);

    std::unique_ptr<netlink::Channel> channel_;  // nullptr: to be opened anew, an answer was given up
    std::uint32_t sequence_ = 0;
};

}  // namespace farewell::conntrack
