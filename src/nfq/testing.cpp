// SPDX-License-Identifier: MIT
#include <farewell/nfq/testing.hpp>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <utility>

#include "netlink/channel.hpp"
#include "netlink/message.hpp"
#include "nfq/packet_parser.hpp"
#include "nfq/queue_messages.hpp"

namespace farewell::nfq {
namespace {

constexpr std::uint16_t type_of(unsigned message) {
    return static_cast<std::uint16_t>(unsigned{NFNL_SUBSYS_QUEUE} << 8U | message);
}

std::array<std::byte, 4> big_endian(std::uint32_t number) {
    const auto octet = [number](unsigned shift) { return static_cast<std::byte>(number >> shift & 0xffU); };
    return {octet(24), octet(16), octet(8), octet(0)};
}

/// What of `attributes` has this type; empty: none.
std::optional<std::span<const std::byte>> attribute_of(const netlink::Message& message, std::uint16_t type) {
    constexpr std::size_t kGenericHeader = 4;
    netlink::AttributeReader attributes(message.body.subspan(std::min(kGenericHeader, message.body.size())));
    while (const auto attribute = attributes.next()) {
        if (attribute->type == type) {
            return attribute->value;
        }
    }
    return std::nullopt;
}

/// A verdict as the code and mark of a message say it.
Verdict verdict_from(std::uint32_t code, std::optional<std::uint32_t> mark) {
    constexpr std::uint32_t kBypass = 0x8000;
    const auto plain = [code] {
        switch (code & 0xffU) {
            case 1:
                return Verdict::accept();
            case 3:
                return Verdict::queue(static_cast<std::uint16_t>(code >> 16U), (code & kBypass) != 0);
            case 4:
                return Verdict::repeat();
            case 5:
                return Verdict::stop();
            default:
                return Verdict::drop();
        }
    };
    return mark ? plain().with_mark(*mark) : plain();
}

int take_front(std::deque<int>& reasons) {
    if (reasons.empty()) {
        return 0;
    }
    const int reason = reasons.front();
    reasons.pop_front();
    return reason;
}

}  // namespace

/// The kernel's side. Everything is guarded by one lock; a change is announced to whoever waits.
class FakeKernel::World {
 public:
    World() : readable_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~World() { close(readable_); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    struct Incoming {
        Bytes bytes;
        bool truncated = false;
    };

    std::uint32_t arrive(const FakePacket& packet) {
        const std::scoped_lock lock(mutex);
        return queue_packet(packet);
    }
    void arrive_datagram(Bytes datagram, bool truncated) {
        const std::scoped_lock lock(mutex);
        push({.bytes = std::move(datagram), .truncated = truncated});
    }

    /// Up to `most` datagrams into `taken`; errno of a failure made by the test.
    int take(std::vector<Incoming>& taken, std::size_t most) {
        const std::scoped_lock lock(mutex);
        if (const int reason = take_front(receive_failures)) {
            return reason;
        }
        while (!incoming_.empty() && taken.size() < most) {
            taken.push_back(std::move(incoming_.front()));
            incoming_.pop_front();
        }
        if (incoming_.empty()) {
            std::uint64_t rung = 0;
            // It does not block: the descriptor is non-blocking.
            [[maybe_unused]] const auto drained =
                ::read(readable_, &rung, sizeof rung);  // NOLINT(clang-analyzer-unix.BlockInCriticalSection)
        }
        return 0;
    }
    bool wait_readable(std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex);
        const auto ready = [this] { return !incoming_.empty() || !receive_failures.empty(); };
        if (timeout.count() < 0) {
            changed.wait(lock, ready);
            return true;
        }
        return changed.wait_for(lock, timeout, ready);
    }

    int send(std::span<const std::span<const std::byte>> parts) {
        const std::scoped_lock lock(mutex);
        if (const int reason = take_front(send_failures)) {
            return reason;
        }
        Bytes messages;
        for (const auto part : parts) {
            messages.insert(messages.end(), part.begin(), part.end());
        }
        if (messages.size() > send_limit) {
            return EMSGSIZE;
        }
        netlink::MessageReader reader(messages);
        while (const auto message = reader.next()) {
            obey(*message);
        }
        sent.push_back(std::move(messages));
        return 0;
    }
    void unbind() {
        const std::scoped_lock lock(mutex);
        bound = false;
        waiting.clear();
        changed.notify_all();
    }

    [[nodiscard]] int fd() const { return readable_; }
    std::uint32_t queue_packet(const FakePacket& packet) {
        const std::uint32_t id = packet.id.value_or(next_id);
        next_id = id + 1;
        waiting.push_back(id);
        push({.bytes = packet_message(packet, id), .truncated = false});
        return id;
    }

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    std::deque<int> receive_failures, send_failures, config_answers;
    std::vector<FakePacket> before_acknowledgement;
    std::size_t send_limit = std::numeric_limits<std::size_t>::max();
    std::uint32_t supported_flags = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t next_id = 1;
    bool bound = false;
    std::vector<std::uint32_t> waiting;  // in the order of arrival
    std::vector<Given> given;
    std::vector<Bytes> sent;
    std::size_t pauses = 0;

 private:
    void push(Incoming datagram) {
        incoming_.push_back(std::move(datagram));
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto rung = ::write(readable_, &one, sizeof one);
        changed.notify_all();
    }

    void obey(const netlink::Message& message) {
        int reason = 0;
        if (message.type == type_of(NFQNL_MSG_CONFIG)) {
            reason = configure(message);
        } else if (message.type == type_of(NFQNL_MSG_VERDICT) ||
                   message.type == type_of(NFQNL_MSG_VERDICT_BATCH)) {
            reason = give(message);
        }
        if (reason != 0 || (message.flags & NLM_F_ACK) != 0) {
            push({.bytes = error_message(reason, message.sequence), .truncated = false});
        }
    }

    int configure(const netlink::Message& message) {
        if (const int reason = take_front(config_answers)) {
            return reason;
        }
        const auto flags = attribute_of(message, NFQA_CFG_FLAGS);
        if (flags && (netlink::read_be32(*flags) & ~supported_flags) != 0) {
            return EOPNOTSUPP;
        }
        const auto command = attribute_of(message, NFQA_CFG_CMD);
        bound = command && !command->empty() && (*command)[0] == std::byte{NFQNL_CFG_CMD_BIND};
        if (!bound) {
            waiting.clear();
        }
        for (const FakePacket& packet : std::exchange(before_acknowledgement, {})) {
            queue_packet(packet);
        }
        return 0;
    }

    int give(const netlink::Message& message) {
        const auto header = attribute_of(message, NFQA_VERDICT_HDR);
        if (!header || header->size() < 8) {
            return EINVAL;
        }
        const std::uint32_t id = netlink::read_be32(header->subspan(4));
        const bool up_to = message.type == type_of(NFQNL_MSG_VERDICT_BATCH);
        const auto mark = attribute_of(message, NFQA_MARK);
        const auto payload = attribute_of(message, NFQA_PAYLOAD);
        const Verdict verdict = verdict_from(netlink::read_be32(*header),
                                             mark ? std::optional(netlink::read_be32(*mark)) : std::nullopt);
        const std::size_t before = given.size();
        std::erase_if(waiting, [&](std::uint32_t each) {
            // As nfq_batch_cmp: by the sign of the difference, because ids wrap.
            const bool meant = up_to ? static_cast<std::int32_t>(each - id) <= 0 : each == id;
            if (meant) {
                given.push_back({.id = each,
                                 .verdict = verdict,
                                 .payload = payload ? std::optional(Bytes(payload->begin(), payload->end()))
                                                    : std::nullopt});
            }
            return meant;
        });
        changed.notify_all();
        return given.size() > before ? 0 : ENOENT;
    }

    int readable_;  // an eventfd that is readable while anything is to be received
    std::deque<Incoming> incoming_;
};

/// The queue's end of it.
class FakeKernel::Socket final : public netlink::Channel {
 public:
    explicit Socket(std::shared_ptr<World> world) : world_(std::move(world)) {}
    ~Socket() override { world_->unbind(); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    std::expected<std::span<const netlink::Datagram>, int> receive_now() override {
        taken_.clear();
        if (const int reason = world_->take(taken_, Queue::kBatchMax)) {
            return std::unexpected(reason);
        }
        datagrams_.clear();
        for (const World::Incoming& each : taken_) {
            datagrams_.push_back({.bytes = each.bytes, .truncated = each.truncated});
        }
        return std::span<const netlink::Datagram>(datagrams_);
    }
    std::expected<std::span<const netlink::Datagram>, int> receive() override {
        world_->wait_readable(std::chrono::milliseconds(-1));
        return receive_now();
    }
    std::expected<bool, int> wait(std::chrono::milliseconds timeout) override {
        return world_->wait_readable(timeout);
    }
    void pause(std::chrono::microseconds /*duration*/) override {
        const std::scoped_lock lock(world_->mutex);
        ++world_->pauses;
    }
    using Channel::send;
    int send(std::span<const std::span<const std::byte>> parts) override { return world_->send(parts); }
    [[nodiscard]] int fd() const override { return world_->fd(); }
    [[nodiscard]] std::uint32_t portid() const override { return 4242; }
    [[nodiscard]] std::size_t receive_buffer_bytes() const override { return std::size_t{1} << 20U; }

 private:
    std::shared_ptr<World> world_;  // with the FakeKernel, which may go first
    std::vector<World::Incoming> taken_;
    std::vector<netlink::Datagram> datagrams_;
};

FakeKernel::FakeKernel() : world_(std::make_shared<World>()) {}
FakeKernel::~FakeKernel() = default;

std::expected<Queue, Error> FakeKernel::open(const QueueConfig& config) {
    return Queue::open_over(config, std::make_unique<Socket>(world_));
}

std::uint32_t FakeKernel::arrive(const FakePacket& packet) {
    return world_->arrive(packet);
}
void FakeKernel::arrive_datagram(Bytes datagram, bool truncated) {
    world_->arrive_datagram(std::move(datagram), truncated);
}
void FakeKernel::arrive_before_acknowledgement(const std::vector<FakePacket>& packets) {
    const std::scoped_lock lock(world_->mutex);
    world_->before_acknowledgement = packets;
}
void FakeKernel::lose(std::uint32_t packets) {
    const std::scoped_lock lock(world_->mutex);
    world_->next_id += packets;
}

void FakeKernel::fail_receives(const std::vector<int>& errno_numbers) {
    const std::scoped_lock lock(world_->mutex);
    world_->receive_failures = {errno_numbers.begin(), errno_numbers.end()};
    world_->changed.notify_all();
}
void FakeKernel::fail_sends(const std::vector<int>& errno_numbers) {
    const std::scoped_lock lock(world_->mutex);
    world_->send_failures = {errno_numbers.begin(), errno_numbers.end()};
}
void FakeKernel::answer_config(const std::vector<int>& errno_numbers) {
    const std::scoped_lock lock(world_->mutex);
    world_->config_answers = {errno_numbers.begin(), errno_numbers.end()};
}
void FakeKernel::limit_sends(std::size_t bytes) {
    const std::scoped_lock lock(world_->mutex);
    world_->send_limit = bytes;
}
void FakeKernel::support_flags(std::uint32_t flags) {
    const std::scoped_lock lock(world_->mutex);
    world_->supported_flags = flags;
}

std::vector<FakeKernel::Given> FakeKernel::given() const {
    const std::scoped_lock lock(world_->mutex);
    return world_->given;
}
std::optional<FakeKernel::Given> FakeKernel::verdict_of(std::uint32_t id) const {
    const std::scoped_lock lock(world_->mutex);
    const auto found = std::ranges::find(world_->given, id, &Given::id);
    return found == world_->given.end() ? std::nullopt : std::optional(*found);
}
std::vector<std::uint32_t> FakeKernel::waiting() const {
    const std::scoped_lock lock(world_->mutex);
    return world_->waiting;
}
bool FakeKernel::is_bound() const {
    const std::scoped_lock lock(world_->mutex);
    return world_->bound;
}
bool FakeKernel::wait_given(std::size_t packets, std::chrono::milliseconds at_most) const {
    std::unique_lock lock(world_->mutex);
    return world_->changed.wait_for(lock, at_most, [&] { return world_->given.size() >= packets; });
}
std::vector<FakeKernel::Bytes> FakeKernel::take_sent() {
    const std::scoped_lock lock(world_->mutex);
    return std::exchange(world_->sent, {});
}
std::size_t FakeKernel::pauses() const {
    const std::scoped_lock lock(world_->mutex);
    return world_->pauses;
}

FakeKernel::Bytes FakeKernel::packet_message(const FakePacket& packet, std::uint32_t id) {
    netlink::MessageWriter writer;
    writer.begin(type_of(NFQNL_MSG_PACKET), 0, 0);
    writer.put_be32(2U << 24U);  // AF_INET, version 0, queue 0
    const auto id_bytes = big_endian(id);
    writer.attribute(NFQA_PACKET_HDR, std::array{id_bytes[0], id_bytes[1], id_bytes[2], id_bytes[3],
                                                 static_cast<std::byte>(packet.hardware_protocol >> 8U),
                                                 static_cast<std::byte>(packet.hardware_protocol & 0xffU),
                                                 static_cast<std::byte>(packet.hook)});
    // The kernel sends these when they are not zero, and these only when they are there.
    for (const auto& [type, value] :
         {std::pair{NFQA_MARK, packet.mark}, std::pair{NFQA_IFINDEX_INDEV, packet.input_interface},
          std::pair{NFQA_IFINDEX_OUTDEV, packet.output_interface}}) {
        if (value != 0) {
            writer.attribute_be32(static_cast<std::uint16_t>(type), value);
        }
    }
    for (const auto& [type, value] : {std::pair{NFQA_UID, packet.uid}, std::pair{NFQA_GID, packet.gid}}) {
        if (value) {
            writer.attribute_be32(static_cast<std::uint16_t>(type), *value);
        }
    }
    if (packet.original_length > packet.payload.size()) {
        writer.attribute_be32(NFQA_CAP_LEN, static_cast<std::uint32_t>(packet.original_length));
    }
    writer.attribute(NFQA_PAYLOAD, packet.payload);
    writer.end();
    return {writer.bytes().begin(), writer.bytes().end()};
}

FakeKernel::Bytes FakeKernel::error_message(int errno_number, std::uint32_t sequence) {
    netlink::MessageWriter writer;
    writer.begin(NLMSG_ERROR, 0, sequence);
    // struct nlmsgerr: minus errno, and the header of the message it is about; numbers in host order.
    writer.put_u32(0U - static_cast<std::uint32_t>(errno_number));
    writer.put_u32(netlink::kHeaderBytes);
    writer.put_u32(0);
    writer.put_u32(sequence);
    writer.put_u32(0);
    writer.end();
    return {writer.bytes().begin(), writer.bytes().end()};
}

}  // namespace farewell::nfq
