// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/dump.hpp"

#include <linux/netlink.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "netlink/acknowledgement.hpp"
#include "netlink/errors.hpp"

namespace farewell::host {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kDumpLimit{5};  // a full Internet table takes about one

/// NLMSG_DONE carries minus errno where a dump has failed after its beginning.
int errno_of_end(const netlink::Message& end) {
    return end.body.size() < sizeof(std::uint32_t) ? 0 : static_cast<int>(0U - netlink::read_u32(end.body));
}

/// 0 or errno once it is over.
std::optional<int> take_messages(std::span<const std::byte> datagram, std::uint32_t sequence,
                                 bool& interrupted,
                                 const std::function<void(const netlink::Message&)>& on_message) {
    netlink::MessageReader reader(datagram);
    while (const auto message = reader.next()) {
        if (message->sequence != sequence) {
            continue;  // of a question that was given up
        }
        interrupted = interrupted || (message->flags & NLM_F_DUMP_INTR) != 0;
        if (message->type == NLMSG_DONE) {
            return errno_of_end(*message);
        }
        if (const auto answer = netlink::parse_acknowledgement(*message)) {
            return answer->errno_number;
        }
        on_message(*message);
    }
    return std::nullopt;
}

}  // namespace

std::expected<std::unique_ptr<netlink::Channel>, Error> open_dump_socket(netlink::Subsystem subsystem) {
    // The kernel fills as much of a datagram as there is room for, up to 32 KiB.
    auto channel = netlink::open_socket({.subsystem = subsystem,
                                         .groups = 0,
                                         .report_overruns = false,
                                         .slots = 4,
                                         .slot_bytes = std::size_t{32} << 10,
                                         .receive_buffer_bytes = 0,
                                         .netns_fd = {}});
    if (!channel) {
        return std::unexpected(
            netlink::system_error(channel.error().operation, channel.error().errno_number));
    }
    return std::move(*channel);
}

int dump(netlink::Channel& channel, const netlink::MessageWriter& question, std::uint32_t sequence,
         const std::function<void(const netlink::Message&)>& on_message) {
    if (const int reason = channel.send(question.bytes()); reason != 0) {
        return reason;
    }
    const auto deadline = Clock::now() + kDumpLimit;
    bool interrupted = false;
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return ETIMEDOUT;
        }
        if (const auto readable = channel.wait(left); !readable) {
            return readable.error();
        }
        const auto datagrams = channel.receive_now();
        if (!datagrams) {
            return datagrams.error();
        }
        for (const netlink::Datagram& datagram : *datagrams) {
            if (datagram.truncated) {
                return EMSGSIZE;
            }
            if (const auto end = take_messages(datagram.bytes, sequence, interrupted, on_message)) {
                return *end == 0 && interrupted ? EINTR : *end;
            }
        }
    }
}

}  // namespace farewell::host
