// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/element_batch.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "nft/owned.hpp"

namespace farewell::nft {
namespace {

constexpr std::size_t kMessageRoom = 1024;  // header, table and set name, with room to spare
constexpr std::size_t kElementRoom = 64;    // an IPv6 key with a timeout takes 40

}  // namespace

ElementBatch::ElementBatch(std::uint32_t first_sequence)
    : first_sequence_(first_sequence), next_sequence_(first_sequence) {
    took(reinterpret_cast<std::byte*>(  // NOLINT: libnftnl writes into char buffers and returns the header it
                                        // wrote
        nftnl_batch_begin(reinterpret_cast<char*>(room(kMessageRoom)), next_sequence_++)));  // NOLINT
}

/// At least so many bytes of zeroes after what is written.
std::byte* ElementBatch::room(std::size_t bytes) {
    if (bytes_.size() < length_ + bytes) {
        bytes_.resize(std::max(bytes_.size() * 2, length_ + bytes));
    }
    return bytes_.data() + length_;
}

void ElementBatch::took(const std::byte* message) {
    std::uint32_t length = 0;
    std::memcpy(&length, message, sizeof length);  // nlmsg_len is the header's first field
    last_message_ = length_;
    length_ += (length + 3) & ~std::size_t{3};  // NLMSG_ALIGN
}

void ElementBatch::append(std::uint16_t type, std::uint16_t flags, const SetName& name,
                          std::span<const Element> elements) {
    const auto set = owned(nftnl_set_alloc());
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, name.table.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name.set.c_str());
    for (const Element& element : elements) {
        nftnl_set_elem* item = nftnl_set_elem_alloc();
        if (item == nullptr) {
            throw std::bad_alloc();
        }
        nftnl_set_elem_set(item, NFTNL_SET_ELEM_KEY, element.key.data(), element.key_bytes);
        if (element.timeout.count() > 0) {
            nftnl_set_elem_set_u64(item, NFTNL_SET_ELEM_TIMEOUT,
                                   static_cast<std::uint64_t>(element.timeout.count()));
        }
        nftnl_set_elem_add(set.get(), item);  // the set owns it now
    }
    auto* at =
        reinterpret_cast<char*>(room(kMessageRoom + elements.size() * kElementRoom));  // NOLINT: as above
    nlmsghdr* header = nftnl_nlmsg_build_hdr(at, type, NFPROTO_INET, flags, next_sequence_++);
    nftnl_set_elems_nlmsg_build_payload(header, set.get());
    took(reinterpret_cast<std::byte*>(header));  // NOLINT: as above
}

void ElementBatch::add(const SetName& name, std::span<const Element> elements, IfThere if_there) {
    const auto flags =
        static_cast<std::uint16_t>(NLM_F_CREATE | (if_there == IfThere::fail ? NLM_F_EXCL : 0));
    while (!elements.empty()) {
        const auto part = elements.first(std::min(elements.size(), kElementsPerMessage));
        append(NFT_MSG_NEWSETELEM, flags, name, part);
        elements = elements.subspan(part.size());
    }
}

void ElementBatch::remove(const SetName& name, std::span<const Element> elements) {
    while (!elements.empty()) {
        const auto part = elements.first(std::min(elements.size(), kElementsPerMessage));
        append(NFT_MSG_DELSETELEM, 0, name, part);
        elements = elements.subspan(part.size());
    }
}

void ElementBatch::flush(const SetName& name) {
    append(NFT_MSG_DELSETELEM, 0, name, {});  // no elements named means all of them (nf_tables_delsetelem)
}

void ElementBatch::remove_table(const std::string& table) {
    const auto object = owned(nftnl_table_alloc());
    nftnl_table_set_str(object.get(), NFTNL_TABLE_NAME, table.c_str());
    auto* at = reinterpret_cast<char*>(room(kMessageRoom));  // NOLINT: as above
    nlmsghdr* header = nftnl_nlmsg_build_hdr(at, NFT_MSG_DELTABLE, NFPROTO_INET, 0, next_sequence_++);
    nftnl_table_nlmsg_build_payload(header, object.get());
    took(reinterpret_cast<std::byte*>(header));  // NOLINT: as above
}

void ElementBatch::ask_for_acknowledgement() {
    // nlmsg_flags stands after the length (4) and the type (2).
    std::byte* at = bytes_.data() + last_message_ + 6;
    std::uint16_t flags = 0;
    std::memcpy(&flags, at, sizeof flags);
    flags |= NLM_F_ACK;
    std::memcpy(at, &flags, sizeof flags);
}

std::span<const std::byte> ElementBatch::finish() {
    ask_for_acknowledgement();
    took(reinterpret_cast<std::byte*>(                                                     // NOLINT: as above
        nftnl_batch_end(reinterpret_cast<char*>(room(kMessageRoom)), next_sequence_++)));  // NOLINT
    return std::span(bytes_).first(length_);
}

}  // namespace farewell::nft
