// SPDX-License-Identifier: MIT
#include "netlink/dump.hpp"

#include <linux/netlink.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "netlink/acknowledgement.hpp"
#include "netlink/errors.hpp"

namespace farewell::netlink {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kDumpLimit{5};  // a full Internet table takes about one

/// NLMSG_DONE carries minus errno where a dump has failed after its beginning.
int errno_of_end(const Message& end) {
    return end.body.size() < sizeof(std::uint32_t) ? 0 : static_cast<int>(0U - read_u32(end.body));
}

/// 0 or errno once it is over.
std::optional<int> take_messages(std::span<const std::byte> datagram, std::uint32_t sequence,
                                 bool& interrupted, const std::function<void(const Message&)>& on_message) {
    MessageReader reader(datagram);
    while (const auto message = reader.next()) {
        if (message->sequence != sequence) {
            continue;  // of a question that was given up
        }
        interrupted = interrupted || (message->flags & NLM_F_DUMP_INTR) != 0;
        if (message->type == NLMSG_DONE) {
            return errno_of_end(*message);
        }
        if (const auto answer = parse_acknowledgement(*message)) {
            return answer->errno_number;
        }
        on_message(*message);
    }
    return std::nullopt;
}

}  // namespace

std::expected<std::unique_ptr<Channel>, Error> open_dump_socket(Subsystem subsystem) {
    // The kernel fills as much of a datagram as there is room for, up to 32 KiB.
    auto channel = open_socket({.subsystem = subsystem,
                                .groups = 0,
                                .report_overruns = false,
                                .slots = 4,
                                .slot_bytes = std::size_t{32} << 10,
                                .receive_buffer_bytes = 0,
                                .netns_fd = {}});
    if (!channel) {
        return std::unexpected(system_error(channel.error().operation, channel.error().errno_number));
    }
    return std::move(*channel);
}

int dump(Channel& channel, const MessageWriter& question, std::uint32_t sequence,
         const std::function<void(const Message&)>& on_message) {
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
        for (const Datagram& datagram : *datagrams) {
            if (datagram.truncated) {
                return EMSGSIZE;
            }
            if (const auto end = take_messages(datagram.bytes, sequence, interrupted, on_message)) {
                return *end == 0 && interrupted ? EINTR : *end;
            }
        }
    }
}

}  // namespace farewell::netlink
