// SPDX-License-Identifier: GPL-2.0-or-later
// Objects of libnftnl and libmnl that free themselves, and a question to nf_tables in the making. For our own
// sources only: this header brings theirs along.
#pragma once

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/gen.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netlink.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <span>

#include "nft/transport.hpp"

namespace farewell::nft {

struct Free {
    void operator()(nftnl_table* table) const { nftnl_table_free(table); }
    void operator()(nftnl_chain* chain) const { nftnl_chain_free(chain); }
    void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
    void operator()(nftnl_set* set) const { nftnl_set_free(set); }
    void operator()(nftnl_gen* generation) const { nftnl_gen_free(generation); }
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
template <typename Object>
using Owned = std::unique_ptr<Object, Free>;

/// What nftnl_…_alloc returned; throws std::bad_alloc if that is nothing.
template <typename Object>
Owned<Object> owned(Object* object) {
    if (object == nullptr) {
        throw std::bad_alloc();
    }
    return Owned<Object>(object);
}

/// One request, to which libnftnl adds what it is about. It stays where it is made.
class Question {
 public:
    Question(std::uint16_t type, std::uint16_t family, std::uint16_t flags, std::uint32_t sequence)
        : header_(nftnl_nlmsg_build_hdr(bytes_.data(), type, family, flags, sequence)) {}
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    [[nodiscard]] nlmsghdr* header() { return header_; }
    /// See Transport::query.
    [[nodiscard]] int ask(Transport& transport, const std::function<void(const nlmsghdr&)>& on_message) {
        return transport.query(std::as_bytes(std::span(bytes_).first(header_->nlmsg_len)), header_->nlmsg_seq,
                               on_message);
    }

 private:
    alignas(nlmsghdr) std::array<char, 2048> bytes_{};
    nlmsghdr* header_;
};

}  // namespace farewell::nft
