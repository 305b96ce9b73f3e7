// SPDX-License-Identifier: MIT
#include "nfq/outgoing.hpp"

#include <algorithm>

#include "nfq/queue_messages.hpp"

namespace farewell::nfq {

void Outgoing::verdict_for(std::uint16_t number, std::uint32_t id, const Verdict& verdict) {
    append_verdict_for(heads_, number, id, verdict);
}

void Outgoing::verdict_for(std::uint16_t number, std::uint32_t id, const Verdict& verdict,
                           std::span<const std::byte> payload) {
    const std::size_t padding = append_verdict_without_payload(heads_, number, id, verdict, payload.size());
    payloads_.push_back({.at = heads_.bytes().size() - padding, .bytes = payload});
}

void Outgoing::verdict_up_to(std::uint16_t number, std::uint32_t id, const Verdict& verdict) {
    append_verdict_up_to(heads_, number, id, verdict);
}

void Outgoing::keep() {
    if (payloads_.empty()) {
        return;
    }
    netlink::MessageWriter whole;
    std::size_t copied = 0;
    for (const Payload& payload : payloads_) {
        whole.append(heads_.bytes().subspan(copied, payload.at - copied));
        whole.append(payload.bytes);
        copied = payload.at;
    }
    whole.append(heads_.bytes().subspan(copied));
    heads_ = std::move(whole);
    payloads_.clear();
}

Outgoing::Front Outgoing::front(std::size_t limit) {
    const std::span<const std::byte> heads = heads_.bytes();
    Front front;
    front_heads_ = 0;
    front_payloads_ = 0;
    parts_.clear();
    std::size_t part_begin = 0;
    while (front_heads_ < heads.size() && parts_.size() + 2 < kPartsMax) {
        // Our own messages: whole and well formed.
        const std::size_t length = netlink::aligned(netlink::read_u32(heads.subspan(front_heads_)));
        if (front.bytes > 0 && front.bytes + length > limit) {
            break;
        }
        front.bytes += length;
        // A payload stands in the head part of its message or right behind it, where there is no padding; one
        // that begins where the message ends is the next one's only if that has no head, which cannot be.
        const bool has_payload =
            front_payloads_ < payloads_.size() &&
            payloads_[front_payloads_].at - front_heads_ + payloads_[front_payloads_].bytes.size() <= length;
        if (!has_payload) {
            front_heads_ += length;
            continue;
        }
        const Payload& payload = payloads_[front_payloads_++];
        parts_.push_back(heads.subspan(part_begin, payload.at - part_begin));
        parts_.push_back(payload.bytes);
        part_begin = payload.at;
        front_heads_ += length - payload.bytes.size();
    }
    if (part_begin < front_heads_) {
        parts_.push_back(heads.subspan(part_begin, front_heads_ - part_begin));
    }
    front.parts = parts_;
    return front;
}

void Outgoing::discard_front() {
    heads_.discard_front(front_heads_);
    payloads_.erase(payloads_.begin(), payloads_.begin() + static_cast<std::ptrdiff_t>(front_payloads_));
    for (Payload& payload : payloads_) {
        payload.at -= front_heads_;
    }
    front_heads_ = 0;
    front_payloads_ = 0;
}

}  // namespace farewell::nfq
