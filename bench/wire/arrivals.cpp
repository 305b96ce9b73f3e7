// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/wire/arrivals.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "bench/wire/wire.hpp"
#include "nft/owned.hpp"

namespace farewell::bench {

using namespace std::chrono_literals;

// A socket stays in the namespace that it was made in.
mnl_socket* listen_in(const char* netns) {
    const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const int other = open(netns, O_RDONLY | O_CLOEXEC);
    if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0) {
        give_up("enter SERVER_NETNS");
    }
    mnl_socket* socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int group = NFNLGRP_NFTABLES;
    const int receive_buffer = 64 << 20;
    if (socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer,
                   sizeof receive_buffer) != 0 ||
        mnl_socket_setsockopt(socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
        give_up("follow the changes of nf_tables");
    }
    if (setns(own, CLONE_NEWNET) != 0) {
        give_up("return from SERVER_NETNS");
    }
    close(own);
    close(other);
    return socket;
}

Arrivals::Arrivals(mnl_socket* socket, std::uint32_t first, std::size_t sources)
    : socket_(socket), first_(first), at_(sources), thread_([this] { run(); }) {}

std::vector<Clock::time_point> Arrivals::wait(Clock::duration limit) {
    const auto end = Clock::now() + limit;
    while (seen_.load() < at_.size() && Clock::now() < end) {
        std::this_thread::sleep_for(1ms);
    }
    stop();
    std::vector<Clock::time_point> all;
    all.reserve(at_.size());
    for (const auto& at : at_) {
        all.emplace_back(Clock::duration(at.load()));
    }
    return all;
}

void Arrivals::stop() {
    stop_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Arrivals::run() {
    go_first();
    std::vector<char> buffer(std::size_t{64} << 10U);
    pollfd readable{.fd = mnl_socket_get_fd(socket_), .events = POLLIN, .revents = 0};
    while (!stop_) {
        if (poll(&readable, 1, 50) <= 0) {
            continue;
        }
        const ssize_t received = mnl_socket_recvfrom(socket_, buffer.data(), buffer.size());
        now_ = Clock::now();
        if (received < 0) {
            give_up("read the changes of nf_tables");
        }
        int left = static_cast<int>(received);
        const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            on_message(*message);
        }
    }
}

void Arrivals::on_message(const nlmsghdr& message) {
    if (message.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_NEWSETELEM)) {
        const auto set = nft::owned(nftnl_set_alloc());
        if (nftnl_set_elems_nlmsg_parse(&message, set.get()) >= 0) {
            nftnl_set_elem_foreach(set.get(), on_element, this);
        }
    } else if (message.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_NEWRULE)) {
        const auto rule = nft::owned(nftnl_rule_alloc());
        if (nftnl_rule_nlmsg_parse(&message, rule.get()) >= 0) {
            nftnl_expr_foreach(rule.get(), on_expression, this);
        }
    }
}

int Arrivals::on_element(nftnl_set_elem* element, void* data) {
    std::uint32_t length = 0;
    const void* key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &length);
    static_cast<Arrivals*>(data)->on_key(key, length);
    return MNL_CB_OK;
}

int Arrivals::on_expression(nftnl_expr* expression, void* data) {
    if (std::string_view(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME)) == "cmp") {
        std::uint32_t length = 0;
        const void* key = nftnl_expr_get(expression, NFTNL_EXPR_CMP_DATA, &length);
        static_cast<Arrivals*>(data)->on_key(key, length);
    }
    return MNL_CB_OK;
}

void Arrivals::on_key(const void* key, std::uint32_t length) {
    std::uint32_t address = 0;
    if (key == nullptr || length != sizeof address) {
        return;
    }
    std::memcpy(&address, key, sizeof address);
    const std::size_t number = ntohl(address) - first_;
    if (number < at_.size() && !has(number)) {
        at_[number].store(now_.time_since_epoch().count(), std::memory_order_release);
        ++seen_;
    }
}

}  // namespace farewell::bench
