// SPDX-License-Identifier: GPL-2.0-or-later
// A server on a socket of its own, run in the test's thread until what is waited for has come about.
#include "daemon/control_server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace farewell::daemon {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

/// A client that never waits: what has not come yet is not there.
class Client {
 public:
    explicit Client(const std::filesystem::path& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~Client() { hang_up(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void ask(const json& request) const {
        const std::string frame = request.dump() + '\0';
        EXPECT_EQ(::send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL), std::ssize(frame));
    }
    /// All the answers that came since the last time.
    std::vector<json> answers() {
        std::array<char, 65536> part{};
        ssize_t length = 0;
        while ((length = recv(fd_, part.data(), part.size(), MSG_DONTWAIT)) > 0) {
            received_.append(part.data(), static_cast<std::size_t>(length));
        }
        is_closed_ = length == 0;
        std::vector<json> answers;
        for (std::size_t end = 0; (end = received_.find('\0')) != std::string::npos;) {
            answers.push_back(json::parse(received_.substr(0, end)));
            received_.erase(0, end + 1);
        }
        return answers;
    }
    [[nodiscard]] bool is_closed() const { return is_closed_; }
    void hang_up() {
        if (fd_ >= 0) {
            close(fd_);
            fd_ = -1;
        }
    }

 private:
    int fd_;
    std::string received_;
    bool is_closed_ = false;
};

class ControlServerTest : public testing::Test {
 protected:
    ControlServerTest()
        : path_(std::filesystem::path(testing::TempDir()) /
                ("farewell-" + std::to_string(getpid()) + ".sock")),
          socket_(*ControlSocket::bind(path_)),
          server_(context_, socket_,
                  {.call = [](const json& /*request*/,
                              ControlServer::Answer answer) { answer({{"parameters", {{"one", 1}}}}); },
                   .follow =
                       [this](const json& request, std::shared_ptr<AnswerStream> stream) {
                           if (request.value("method", "") != "Follow") {
                               return false;
                           }
                           stream->on_closed([this] { ++closed_; });
                           stream->on_room([this] { ++rooms_; });
                           streams_.push_back(std::move(stream));
                           return true;
                       }}) {}

    template <typename Condition>
    [[nodiscard]] bool run_until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
            context_.run_for(milliseconds(1));
        }
        return true;
    }
    [[nodiscard]] std::vector<json> answers_of(Client& client, std::size_t count) {
        std::vector<json> answers;
        EXPECT_TRUE(run_until([&] {
            const auto more = client.answers();
            answers.insert(answers.end(), more.begin(), more.end());
            return answers.size() >= count;
        })) << answers.size();
        return answers;
    }
    std::shared_ptr<AnswerStream> stream_of(Client& client) {
        const std::size_t before = streams_.size();
        client.ask({{"method", "Follow"}, {"more", true}});
        EXPECT_TRUE(run_until([&] { return streams_.size() > before; }));
        return streams_.back();
    }

    std::filesystem::path path_;
    boost::asio::io_context context_{1};
    ControlSocket socket_;
    std::vector<std::shared_ptr<AnswerStream>> streams_;
    int closed_ = 0;
    int rooms_ = 0;
    ControlServer server_;
};

TEST_F(ControlServerTest, AStreamHasManyAnswersAndALastOne) {
    Client client(path_);
    const auto stream = stream_of(client);
    EXPECT_TRUE(stream->send({{"number", 1}}));
    EXPECT_TRUE(stream->send({{"number", 2}}));
    stream->end({{"parameters", {{"number", 3}}}});
    EXPECT_FALSE(stream->send({{"number", 4}})) << "after the last one";
    const auto answers = answers_of(client, 3);
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(answers[0], json({{"parameters", {{"number", 1}}}, {"continues", true}}));
    EXPECT_EQ(answers[1].at("parameters").at("number"), 2);
    EXPECT_EQ(answers[2], json({{"parameters", {{"number", 3}}}}));
    client.ask({{"method", "Status"}});
    EXPECT_EQ(answers_of(client, 1)[0].at("parameters").at("one"), 1) << "the connection is free for calls";
    EXPECT_EQ(closed_, 0);
}

TEST_F(ControlServerTest, AMethodWithOneAnswerGivesOneWhateverIsAskedFor) {
    Client client(path_);
    client.ask({{"method", "Status"}, {"more", true}});
    EXPECT_EQ(answers_of(client, 1)[0], json({{"parameters", {{"one", 1}}}}));
    client.ask({{"method", "Follow"}, {"more", "yes"}});
    EXPECT_EQ(answers_of(client, 1)[0], json({{"parameters", {{"one", 1}}}})) << "that is not true";
}

TEST_F(ControlServerTest, ANameThatIsNotUtf8CostsNobodyTheAnswer) {
    Client client(path_);
    const auto stream = stream_of(client);
    EXPECT_TRUE(stream->send({{"by", "\033[31m\xff (process 7)"}}));
    EXPECT_EQ(answers_of(client, 1)[0].at("parameters").at("by"), "\033[31m\ufffd (process 7)");
}

TEST_F(ControlServerTest, AClientThatGoesIsNoticedThoughNothingIsSent) {
    Client client(path_);
    const auto stream = stream_of(client);
    client.hang_up();
    EXPECT_TRUE(run_until([&] { return closed_ == 1; }));
    EXPECT_FALSE(stream->send({{"number", 1}}));
}

TEST_F(ControlServerTest, ASlowClientTakesNoMoreThanItsShareOfMemory) {
    Client client(path_);
    const auto stream = stream_of(client);
    const json large{{"text", std::string(10'000, 'x')}};
    std::size_t sent = 0;
    while (stream->send(large)) {
        ++sent;
        context_.run_for(milliseconds(0));
        ASSERT_LT(sent, 10'000U) << "nobody reads, and yet there is always room";
    }
    EXPECT_GE(sent, AnswerStream::kWaitingBytesMax / 20'000);
    EXPECT_EQ(rooms_, 0);
    EXPECT_EQ(answers_of(client, sent).size(), sent) << "what was taken arrives";
    EXPECT_TRUE(run_until([&] { return rooms_ == 1; })) << "and it is told that there is room again";
    EXPECT_TRUE(stream->send(large));
    EXPECT_EQ(answers_of(client, 1).size(), 1U);
    EXPECT_EQ(closed_, 0);
}

TEST_F(ControlServerTest, SoManyFollowAtOnceAndCallsStillGetThrough) {
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < ControlServer::kStreamsMax; ++i) {
        clients.push_back(std::make_unique<Client>(path_));
        stream_of(*clients.back());
    }
    Client another(path_);
    another.ask({{"method", "Follow"}, {"more", true}});
    EXPECT_EQ(answers_of(another, 1)[0].at("error"), "io.farewell.Refused");
    another.ask({{"method", "Status"}});
    EXPECT_EQ(answers_of(another, 1)[0].at("parameters").at("one"), 1);
    clients.front()->hang_up();
    EXPECT_TRUE(run_until([&] { return closed_ == 1; }));
    stream_of(another);
}

TEST_F(ControlServerTest, StoppingEndsStreams) {
    Client client(path_);
    const auto stream = stream_of(client);
    server_.stop();
    EXPECT_EQ(closed_, 1);
    EXPECT_TRUE(run_until([&] {
        static_cast<void>(client.answers());
        return client.is_closed();
    }));
}

}  // namespace
}  // namespace farewell::daemon
