// SPDX-License-Identifier: MIT
#include "netlink/acknowledgement.hpp"

#include <linux/netlink.h>

#include <cerrno>

namespace farewell::netlink {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kLimit{2};

}  // namespace

std::optional<Acknowledgement> parse_acknowledgement(const Message& message) {
    // struct nlmsgerr: minus errno, then the header of the message it answers.
    constexpr std::size_t kSequenceAt = 4 + 8;
    if (message.type != NLMSG_ERROR || message.body.size() < kSequenceAt + 4) {
        return std::nullopt;
    }
    return Acknowledgement{
        .errno_number = static_cast<int>(0U - read_u32(message.body)),  // unsigned: any bytes may come
        .sequence = read_u32(message.body.subspan(kSequenceAt)),
    };
}

int await_acknowledgement(Channel& channel, std::uint32_t sequence, std::vector<KeptDatagram>& others) {
    const auto deadline = Clock::now() + kLimit;
    while (true) {
        const auto datagrams = channel.receive_now();
        if (!datagrams) {
            return datagrams.error();
        }
        std::optional<int> answer;
        for (const Datagram& datagram : *datagrams) {
            MessageReader reader(datagram.bytes);
            bool has_other = false;
            while (const auto message = reader.next()) {
                const auto acknowledgement = parse_acknowledgement(*message);
                if (acknowledgement && acknowledgement->sequence == sequence) {
                    answer = acknowledgement->errno_number;
                }
                has_other = has_other || !acknowledgement;
            }
            if (has_other) {
                others.push_back({.bytes = {datagram.bytes.begin(), datagram.bytes.end()},
                                  .truncated = datagram.truncated});
            }
        }
        if (answer) {
            return *answer;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return ETIMEDOUT;
        }
        if (datagrams->empty()) {
            if (const auto readable = channel.wait(left); !readable) {
                return readable.error();
            }
        }
    }
}

void wake(Channel& channel) {
    MessageWriter writer;
    writer.begin(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 0);
    writer.end();
    static_cast<void>(channel.send(writer.bytes()));
}

}  // namespace farewell::netlink
