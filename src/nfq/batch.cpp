// SPDX-License-Identifier: MIT
#include <farewell/nfq/batch.hpp>

#include "nfq/batch_extras.hpp"

namespace farewell::nfq {

bool Batch::mangle(const Packet& packet, std::span<const std::byte> bytes, const Verdict& verdict) {
    if (bytes.size() > kPayloadMax) {
        return false;
    }
    extras_.mangle(index_of(packet), bytes);
    set(packet, verdict);
    return true;
}

Held Batch::hold(const Packet& packet) {
    return extras_.hold(index_of(packet), packet.id);
}

void Batch::give_verdicts() {
    if (!is_answered_) {
        is_answered_ = true;
        answer_.call(answer_.object, *this);
    }
}

void BatchExtras::mangle(std::size_t index, std::span<const std::byte> bytes) {
    if (buffers_used_ == buffers_.size()) {
        buffers_.emplace_back();
    }
    std::vector<std::byte>& buffer = buffers_[buffers_used_++];
    buffer.assign(bytes.begin(), bytes.end());
    payloads_.at(index) = buffer;
    mangled_ |= std::uint64_t{1} << index;
}

Held BatchExtras::hold(std::size_t index, std::uint32_t id) {
    held_ |= std::uint64_t{1} << index;
    book_->hold();
    return {book_, id};
}

Held::Held(std::shared_ptr<HeldBook> book, std::uint32_t id) : book_(std::move(book)), id_(id) {}

Held::Held(Held&& other) noexcept : book_(std::move(other.book_)), id_(other.id_) {}

Held& Held::operator=(Held&& other) noexcept {
    if (this != &other) {
        release();
        book_ = std::move(other.book_);
        id_ = other.id_;
    }
    return *this;
}

Held::~Held() {
    release();
}

void Held::release() {
    if (book_) {
        book_->answer(id_, book_->default_verdict());
        book_.reset();
    }
}

void Held::verdict(const Verdict& verdict) && {
    if (book_) {
        book_->answer(id_, verdict);
        book_.reset();
    }
}

bool Held::verdict(const Verdict& verdict, std::span<const std::byte> bytes) && {
    if (bytes.size() > Batch::kPayloadMax) {
        release();
        return false;
    }
    if (book_) {
        book_->answer(id_, verdict, bytes);
        book_.reset();
    }
    return true;
}

}  // namespace farewell::nfq
