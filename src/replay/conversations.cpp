// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/conversations.hpp"

#include <algorithm>
#include <array>

namespace farewell::replay {
namespace {

namespace protocol = core::protocol;

// Of a conversation's two ends, one has the lower hash; flags speak of ends by that.
constexpr std::uint8_t kBegunByHigher = 1U << 0U;
constexpr std::uint8_t kLowerSpoke = 1U << 1U;
constexpr std::uint8_t kHigherSpoke = 1U << 2U;
constexpr std::uint8_t kUnderWay = 1U << 3U;        // some packet can only belong to an established one
constexpr std::uint8_t kBegunByRequest = 1U << 4U;  // the capture holds its beginning

/// What a packet says about the conversation it is part of.
struct Saying {
    bool speaks = true;    // false: it refuses (RST, ABORT)
    bool requests = true;  // it can only begin one
    bool accepts = false;  // it can only come from a port that answers
    bool is_under_way = false;
};

Saying tcp_saying(const core::Packet& packet) {
    const auto has = [&packet](std::uint8_t flag) { return (packet.tcp_flags & flag) != 0; };
    const bool syn = has(core::tcp_flag::kSyn);
    const bool ack = has(core::tcp_flag::kAck);
    const bool rst = has(core::tcp_flag::kRst);
    return {
        .speaks = !rst,
        .requests = syn && !ack,
        .accepts = syn && ack && !rst,
        .is_under_way = ack && !syn && !rst && !packet.payload.empty(),
    };
}

/// Chunk types: RFC 9260, 3.2.
Saying sctp_saying(const core::Packet& packet) {
    constexpr std::uint8_t kInit = 1;
    constexpr std::uint8_t kInitAck = 2;
    constexpr std::array<std::uint8_t, 2> kRefusals{6, 14};      // ABORT, SHUTDOWN COMPLETE
    constexpr std::array<std::uint8_t, 4> kOngoing{0, 3, 4, 5};  // DATA, SACK, HEARTBEAT and its ACK
    const auto is_one_of = [&packet](const auto& types) {
        return packet.has_sctp_chunk && std::ranges::find(types, packet.sctp_chunk) != types.end();
    };
    return {
        .speaks = !is_one_of(kRefusals),
        .requests = packet.has_sctp_chunk && packet.sctp_chunk == kInit,
        .accepts = packet.has_sctp_chunk && packet.sctp_chunk == kInitAck,
        .is_under_way = is_one_of(kOngoing),
    };
}

Saying saying_of(const core::Packet& packet) {
    switch (packet.protocol) {
        case protocol::kTcp:
            return tcp_saying(packet);
        case protocol::kSctp:
            return sctp_saying(packet);
        default:
            return {};  // whoever sends first asks, whoever sends back answers
    }
}

bool has_conversations(const core::Packet& packet) {
    return packet.protocol != protocol::kIcmp && packet.protocol != protocol::kIcmpv6 &&
           packet.fragment != core::Fragment::later;
}

/// Every bit of the result depends on every bit of the input (splitmix64's last steps).
std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ value >> 30U) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27U) * 0x94d049bb133111ebU;
    return value ^ value >> 31U;
}

/// The same for both directions.
std::uint64_t conversation(std::uint64_t one, std::uint64_t other) {
    const auto [lower, higher] = std::minmax(one, other);
    return mixed(lower + mixed(higher));
}

constexpr std::uint8_t kBothSpoke = kLowerSpoke | kHigherSpoke;

bool is_established(std::uint8_t flags) {
    return (flags & kUnderWay) != 0 || (flags & kBothSpoke) == kBothSpoke;
}

}  // namespace

std::uint64_t Conversations::endpoint(const core::Address& address, const core::Packet& packet,
                                      std::uint16_t port) const {
    const std::uint64_t service = std::uint64_t{packet.protocol} << 16U | port;
    return mixed(address.hash(key_) + mixed(service + 1));
}

void Conversations::note_answering(std::uint64_t endpoint) {
    if (answering_.contains(endpoint)) {
        return;
    }
    if (remembered() >= remembered_max_) {
        ++forgone_;
        return;
    }
    answering_.insert(endpoint);
}

void Conversations::learn(const core::Packet& packet) {
    if (!has_conversations(packet)) {
        return;
    }
    const std::uint64_t source = endpoint(packet.source, packet, packet.source_port);
    const std::uint64_t destination = endpoint(packet.destination, packet, packet.destination_port);
    const Saying saying = saying_of(packet);
    if (saying.accepts) {
        note_answering(source);
    }
    const bool source_is_higher = source > destination;
    const std::uint64_t id = conversation(source, destination);
    auto known = flags_.find(id);
    if (known == flags_.end()) {
        if (remembered() >= remembered_max_) {
            ++forgone_;
            return;
        }
        Flags first = 0;
        if (source_is_higher) {
            first |= kBegunByHigher;
        }
        if (saying.requests) {
            first |= kBegunByRequest;
        }
        known = flags_.emplace(id, first).first;
    }
    Flags& flags = known->second;
    if (saying.speaks) {
        flags |= source_is_higher ? kHigherSpoke : kLowerSpoke;
    }
    if (saying.is_under_way) {
        flags |= kUnderWay;
    }
    const bool answers = ((flags & kBegunByHigher) != 0) != source_is_higher;
    if (answers && saying.speaks && (flags & kBegunByRequest) != 0) {
        note_answering(source);
    }
}

Fate Conversations::fate_of(const core::Packet& packet) const {
    if (!has_conversations(packet)) {
        return Fate::dropped;
    }
    const std::uint64_t source = endpoint(packet.source, packet, packet.source_port);
    const std::uint64_t destination = endpoint(packet.destination, packet, packet.destination_port);
    if (answering_.contains(destination)) {
        return Fate::answered;
    }
    const auto known = flags_.find(conversation(source, destination));
    if (known == flags_.end()) {
        return Fate::unknown;
    }
    const Flags flags = known->second;
    const bool begun_by_source = ((flags & kBegunByHigher) != 0) == (source > destination);
    if (!begun_by_source) {
        return (flags & kBegunByRequest) != 0 ? Fate::reply
               : is_established(flags)        ? Fate::established
                                              : Fate::dropped;
    }
    return is_established(flags) ? Fate::established : Fate::dropped;
}

bool proves_destination(const core::Packet& packet, Fate fate) {
    return fate == Fate::reply && packet.protocol == protocol::kTcp && tcp_saying(packet).is_under_way;
}

std::string_view name_of(Fate fate) {
    switch (fate) {
        case Fate::dropped:
            return "dropped";
        case Fate::answered:
            return "answered";
        case Fate::reply:
            return "reply";
        case Fate::established:
            return "established";
        case Fate::unknown:
            return "unknown";
    }
    return "unknown";
}

}  // namespace farewell::replay
