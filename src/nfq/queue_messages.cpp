// SPDX-License-Identifier: MIT
#include "nfq/queue_messages.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <array>

namespace farewell::nfq {
namespace {

using netlink::MessageWriter;

constexpr std::uint16_t type_of(unsigned message) {
    return static_cast<std::uint16_t>(unsigned{NFNL_SUBSYS_QUEUE} << 8U | message);
}

void begin(MessageWriter& writer, unsigned message, unsigned flags, std::uint16_t number,
           std::uint32_t sequence) {
    writer.begin(type_of(message), static_cast<std::uint16_t>(unsigned{NLM_F_REQUEST} | flags), sequence);
    // struct nfgenmsg: family, version, resource id in network order.
    writer.put_u8(0);  // AF_UNSPEC
    writer.put_u8(NFNETLINK_V0);
    writer.put_be16(number);
}

void put_command(MessageWriter& writer, std::uint8_t command) {
    // struct nfqnl_msg_config_cmd: command, padding, protocol family (unused since 3.8).
    writer.attribute(NFQA_CFG_CMD,
                     std::array{static_cast<std::byte>(command), std::byte{}, std::byte{}, std::byte{}});
}

void put_parameters(MessageWriter& writer, const QueueConfig& config) {
    // The kernel takes a range of 0 for "all there is" (nfqnl_set_mode); here it means no byte.
    const bool payload = config.copy_mode == CopyMode::payload && config.copy_range > 0;
    const std::uint32_t range = payload ? config.copy_range : 0;
    const auto octet = [range](unsigned shift) { return static_cast<std::byte>(range >> shift & 0xffU); };
    // struct nfqnl_msg_config_params, packed: copy range in network order, copy mode.
    writer.attribute(NFQA_CFG_PARAMS,
                     std::array{octet(24), octet(16), octet(8), octet(0),
                                static_cast<std::byte>(payload ? NFQNL_COPY_PACKET : NFQNL_COPY_META)});
}

void begin_verdict(MessageWriter& writer, unsigned message, std::uint16_t number, std::uint32_t id,
                   const Verdict& verdict) {
    begin(writer, message, 0, number, 0);
    // struct nfqnl_msg_verdict_hdr: verdict and id in network order.
    std::array<std::byte, 8> header{};
    for (unsigned i = 0; i < 4; ++i) {
        header.at(i) = static_cast<std::byte>(verdict.code() >> (24 - 8 * i) & 0xffU);
        header.at(4 + i) = static_cast<std::byte>(id >> (24 - 8 * i) & 0xffU);
    }
    writer.attribute(NFQA_VERDICT_HDR, header);
    if (const auto mark = verdict.mark()) {
        writer.attribute_be32(NFQA_MARK, *mark);
    }
}

}  // namespace

std::uint32_t wanted_flags(const QueueConfig& config) {
    std::uint32_t flags = 0;
    flags |= config.fail_open ? std::uint32_t{NFQA_CFG_F_FAIL_OPEN} : 0;
    flags |= config.conntrack ? std::uint32_t{NFQA_CFG_F_CONNTRACK} : 0;
    flags |= config.gso ? std::uint32_t{NFQA_CFG_F_GSO} : 0;
    flags |= config.uid_gid ? std::uint32_t{NFQA_CFG_F_UID_GID} : 0;
    flags |= config.security_context ? std::uint32_t{NFQA_CFG_F_SECCTX} : 0;
    return flags;
}

void append_bind(MessageWriter& writer, const QueueConfig& config, std::uint32_t flags,
                 std::uint32_t sequence) {
    begin(writer, NFQNL_MSG_CONFIG, NLM_F_ACK, config.number, sequence);
    put_command(writer, NFQNL_CFG_CMD_BIND);
    put_parameters(writer, config);
    writer.attribute_be32(NFQA_CFG_QUEUE_MAXLEN, config.max_length);
    if (flags != 0) {
        writer.attribute_be32(NFQA_CFG_FLAGS, flags);
        writer.attribute_be32(NFQA_CFG_MASK, flags);
    }
    writer.end();
}

void append_unbind(MessageWriter& writer, std::uint16_t number) {
    begin(writer, NFQNL_MSG_CONFIG, 0, number, 0);
    put_command(writer, NFQNL_CFG_CMD_UNBIND);
    writer.end();
}

void append_verdict_for(MessageWriter& writer, std::uint16_t number, std::uint32_t id,
                        const Verdict& verdict) {
    begin_verdict(writer, NFQNL_MSG_VERDICT, number, id, verdict);
    writer.end();
}

std::size_t append_verdict_without_payload(MessageWriter& writer, std::uint16_t number, std::uint32_t id,
                                           const Verdict& verdict, std::size_t payload_bytes) {
    begin_verdict(writer, NFQNL_MSG_VERDICT, number, id, verdict);
    writer.attribute_without_value(NFQA_PAYLOAD, payload_bytes);
    return writer.end_without(payload_bytes);
}

void append_verdict_up_to(MessageWriter& writer, std::uint16_t number, std::uint32_t id,
                          const Verdict& verdict) {
    begin_verdict(writer, NFQNL_MSG_VERDICT_BATCH, number, id, verdict);
    writer.end();
}

}  // namespace farewell::nfq
