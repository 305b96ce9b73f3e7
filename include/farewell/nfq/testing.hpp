// SPDX-License-Identifier: MIT
// A kernel's packet queue for tests: no root, no namespace, no rule. Link farewell::nfq_testing.
//
// Use:      FakeKernel kernel;
//           auto queue = kernel.open({.number = 0});
//           kernel.arrive({.payload = bytes});
//           queue->receive(handler, 0ms);
//           EXPECT_EQ(kernel.verdict_of(1)->verdict, Verdict::accept());
// Threads:  any; a queue may run() in one while the test feeds it from another.
// It keeps the rules that the real one keeps (net/netfilter/nfnetlink_queue.c): ids count up, VERDICT_BATCH
// takes every waiting packet up to its id, a verdict for an unknown id is answered with ENOENT, unbinding
// drops what waits. What it does not have is a stack behind it: a verdict is written down, not carried out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <farewell/error.hpp>
#include <farewell/nfq/packet.hpp>
#include <farewell/nfq/queue.hpp>
#include <farewell/nfq/verdict.hpp>

namespace farewell::nfq {

// Every member has an initializer, so that one may be made of those that matter.
// NOLINTBEGIN(readability-redundant-member-init)
/// A packet to arrive, as Packet will show it.
struct FakePacket {
    std::vector<std::byte> payload{};          ///< from the network header on
    std::size_t original_length = 0;           ///< more than the payload: the copy range has cut it
    std::optional<std::uint32_t> id{};         ///< default: the next one
    std::uint32_t mark = 0;                    ///< 0: none
    std::uint16_t hardware_protocol = 0x0800;  ///< EtherType
    Hook hook = Hook::input;                   ///< where the rule stands
    std::uint32_t input_interface = 0;         ///< index; 0: none
    std::uint32_t output_interface = 0;        ///< index; 0: none
    std::optional<std::uint32_t> uid{};        ///< of the local socket's owner
    std::optional<std::uint32_t> gid{};        ///< the same, its group
};
// NOLINTEND(readability-redundant-member-init)

/// A kernel with one queue; the head of this file says how it is used.
class FakeKernel {
 public:
    /// Of packets and of messages.
    using Bytes = std::vector<std::byte>;

    FakeKernel();
    ~FakeKernel();  // queues may live on
    FakeKernel(const FakeKernel&) = delete;
    FakeKernel& operator=(const FakeKernel&) = delete;

    /// Binds a queue to this kernel, by the same messages as to a real one. One at a time.
    [[nodiscard]] std::expected<Queue, Error> open(const QueueConfig& config = {});

    // What arrives. One receive takes up to 64 datagrams of what is there, as recvmmsg(2) does.

    /// Returns the packet's id.
    std::uint32_t arrive(const FakePacket& packet = {});
    /// Any bytes as one datagram; `truncated` as if it had been larger than the ring's slot.
    void arrive_datagram(Bytes datagram, bool truncated = false);
    /// These come between the kernel's doing the next bind and its acknowledgement.
    void arrive_before_acknowledgement(const std::vector<FakePacket>& packets);
    /// The socket was full: ids were given and the packets dropped.
    void lose(std::uint32_t packets);

    // What goes wrong. 0 is no failure, so that the third of three can be made to fail.

    /// The next receives, one number each.
    void fail_receives(const std::vector<int>& errno_numbers);
    /// The next sends, one number each.
    void fail_sends(const std::vector<int>& errno_numbers);
    /// Answers to CONFIG messages.
    void answer_config(const std::vector<int>& errno_numbers);
    /// One send of more bytes fails with EMSGSIZE.
    void limit_sends(std::size_t bytes);
    /// NFQA_CFG_F_* of this kernel; a bind that asks for others gets EOPNOTSUPP.
    void support_flags(std::uint32_t flags);

    // What became of it.

    /// A verdict as it reached the kernel.
    struct Given {
        std::uint32_t id = 0;               ///< of the packet
        Verdict verdict = Verdict::drop();  ///< with its mark, if it gave one
        std::optional<Bytes> payload;       ///< the packet's new bytes
    };
    /// In the order given.
    [[nodiscard]] std::vector<Given> given() const;
    /// Of the packet that arrive() gave this id; none: it waits still.
    [[nodiscard]] std::optional<Given> verdict_of(std::uint32_t id) const;
    /// Ids of packets that arrived and have no verdict, in order.
    [[nodiscard]] std::vector<std::uint32_t> waiting() const;
    /// Whether a queue is bound: false again after its stop.
    [[nodiscard]] bool is_bound() const;
    /// Waits until `packets` verdicts were given in all. Whether they were, in time.
    [[nodiscard]] bool wait_given(std::size_t packets, std::chrono::milliseconds at_most) const;
    /// Every send's bytes since the last call, for who wants to look at the messages themselves.
    [[nodiscard]] std::vector<Bytes> take_sent();
    /// How often a receiver let more arrive (QueueConfig::max_wait).
    [[nodiscard]] std::size_t pauses() const;

    // Messages as the kernel sends them.

    /// NFQNL_MSG_PACKET.
    [[nodiscard]] static Bytes packet_message(const FakePacket& packet, std::uint32_t id);
    /// NLMSG_ERROR; 0 is an acknowledgement.
    [[nodiscard]] static Bytes error_message(int errno_number, std::uint32_t sequence);

 private:
    class World;
    class Socket;
    std::shared_ptr<World> world_;  // with the channel of every queue opened, which may outlive this
};

}  // namespace farewell::nfq
